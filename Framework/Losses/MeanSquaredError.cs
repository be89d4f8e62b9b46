namespace Distributed.Framework.Losses;

/// <summary>Squared error: <c>sum of (x - t)^2</c>; gradient <c>2 (x - t)</c>. Also of one-hot classes.</summary>
public sealed class MeanSquaredError : Loss
{
    /// <inheritdoc/>
    public override string Name => "mse";

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0)
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
