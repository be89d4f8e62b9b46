namespace Distributed.Framework.Losses;

/// <summary>What a sample's result costs, summed over its elements, and the gradient of that sum.</summary>
/// <remarks>
/// Leaves hold summed losses; a mean is one division at the root of the leaf tree, by <see cref="Terms"/> summed over
/// the batch.
/// </remarks>
public abstract class Loss
{
    /// <summary>Name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What a mean divides by, for one sample: its elements.</summary>
    public virtual int Terms(int elements) => elements;

    /// <summary>Cost of one sample and its gradient.</summary>
    /// <param name="prediction">What the model gives, [C, H, W].</param>
    /// <param name="target">What it should give, of the same length.</param>
    /// <param name="gradient">Overwritten; of the same length.</param>
    /// <returns>The sum over all elements, in index order, in float64; NaN if any element is NaN.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public abstract double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient);

    private protected static void CheckLengths(int prediction, int target, int gradient)
    {
        if (prediction != target || prediction != gradient)
        {
            throw new ArgumentException(
                $"Loss: prediction has {prediction} elements, target {target}, gradient {gradient}.");
        }
    }
}

/// <summary>Squared error: <c>sum of (x - t)^2</c>; gradient <c>2 (x - t)</c>.</summary>
public sealed class MeanSquaredError : Loss
{
    /// <inheritdoc/>
    public override string Name => "mse";

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient)
    {
        CheckLengths(prediction.Length, target.Length, gradient.Length);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            float difference = prediction[i] - target[i];
            gradient[i] = 2 * difference;
            sum += (double)difference * difference;
        }

        return sum;
    }
}
