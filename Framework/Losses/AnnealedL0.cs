using Distributed.Framework.Kernels;

namespace Distributed.Framework.Losses;

/// <summary>
/// <c>sum of (|x - t| + 1e-8)^g</c> with g falling from 2 to 0 in equal steps over the run: from squares to a count of
/// the wrong elements.
/// </summary>
/// <remarks>
/// Gradient g (|x - t| + 1e-8)^(g - 1) sign(x - t), 0 where they are equal. Its minimum over noisy targets ends at
/// their mode: right for random-valued impulses. g = 2 (1 - progress) is a function of step and length of the run, so
/// the length is part of the result. Source: Lehtinen et al. 2018, "Noise2Noise: Learning Image Restoration without
/// Clean Data", section 3.4.
/// </remarks>
public sealed class AnnealedL0 : Loss
{
    private const double Epsilon = 1e-8;

    /// <inheritdoc/>
    public override string Name => "l0";

    /// <inheritdoc/>
    public override bool DependsOnProgress => true;

    /// <summary>The exponent at a share of the run within [0, 1].</summary>
    public static double Exponent(double progress) => 2 * (1 - progress);

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0)
    {
        CheckLengths(prediction.Length, target.Length, gradient.Length);
        double exponent = Exponent(progress);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            float difference = prediction[i] - target[i];
            double size = Math.Abs((double)difference) + Epsilon;
            double power = Elementary.Pow(size, exponent);
            gradient[i] = (float)(exponent * power / size) * MeanAbsoluteError.Sign(difference);
            sum += power;
        }

        return sum;
    }
}
