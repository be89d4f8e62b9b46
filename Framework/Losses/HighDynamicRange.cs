namespace Distributed.Framework.Losses;

/// <summary>Relative squared error: <c>sum of (x - t)^2 / (x + 0.01)^2</c>, the denominator a constant.</summary>
/// <remarks>
/// Gradient 2 (x - t) / (x + 0.01)^2: none goes through the denominator, or the minimum would not be the mean of noisy
/// targets. For predictions of at least 0; at -0.01 it is infinite. Source: Lehtinen et al. 2018, "Noise2Noise:
/// Learning Image Restoration without Clean Data", section 3.3 (after Rousselle et al. 2011).
/// </remarks>
public sealed class HighDynamicRange : Loss
{
    private const float Offset = 0.01f;

    /// <inheritdoc/>
    public override string Name => "hdr";

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0)
    {
        CheckLengths(prediction.Length, target.Length, gradient.Length);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            double difference = (double)prediction[i] - target[i];
            double scale = (double)prediction[i] + Offset;
            double relative = difference / (scale * scale);
            gradient[i] = (float)(2 * relative);
            sum += difference * relative;
        }

        return sum;
    }
}
