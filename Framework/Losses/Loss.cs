namespace Distributed.Framework.Losses;

/// <summary>What a sample's result costs, summed over its elements, and the gradient of that sum.</summary>
/// <remarks>
/// Shards hold summed losses; a mean is one division at the root of the tree, by <see cref="Divisor"/> summed over
/// the batch. Stateless: shared by all threads. Not a number shows in value and gradient. Nothing is allocated.
/// </remarks>
public abstract class Loss
{
    /// <summary>Name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it changes in the course of training, so that a run's length is part of its result.</summary>
    public virtual bool DependsOnProgress => false;

    /// <summary>What a mean divides by, for one sample: its elements, or its pixels for a loss per pixel.</summary>
    public virtual int Divisor(int elements) => elements;

    /// <summary>Cost of one sample and its gradient.</summary>
    /// <param name="prediction">What the model gives, [C, H, W].</param>
    /// <param name="target">What it should give, of the same length.</param>
    /// <param name="gradient">Overwritten; of the same length.</param>
    /// <param name="progress">Share of the run's steps that are done, within [0, 1).</param>
    /// <returns>The sum over all elements, in index order, in float64; NaN if any element is NaN.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public abstract double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0);

    private protected static void CheckLengths(int prediction, int target, int gradient)
    {
        if (prediction != target || prediction != gradient)
        {
            throw new ArgumentException(
                $"Loss: prediction has {prediction} elements, target {target}, gradient {gradient}.");
        }
    }
}
