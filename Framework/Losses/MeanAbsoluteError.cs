namespace Distributed.Framework.Losses;

/// <summary>Absolute error: <c>sum of |x - t|</c>; gradient <c>sign(x - t)</c>, 0 where they are equal.</summary>
/// <remarks>As torch.nn.L1Loss. Its minimum over noisy targets is their median: right for text.</remarks>
public sealed class MeanAbsoluteError : Loss
{
    /// <inheritdoc/>
    public override string Name => "l1";

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0)
    {
        CheckLengths(prediction.Length, target.Length, gradient.Length);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            float difference = prediction[i] - target[i];
            gradient[i] = Sign(difference);
            sum += Math.Abs(difference);
        }

        return sum;
    }

    /// <summary>1, 0 or -1; NaN for NaN.</summary>
    internal static float Sign(float value) => value > 0 ? 1 : value < 0 ? -1 : value * 0;
}
