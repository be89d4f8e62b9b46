using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;

namespace Distributed.Framework.Losses;

/// <summary>
/// Cross-entropy of the softmax of logits: <c>sum over pixels of (- sum over k of p_k log q_k)</c> with
/// <c>q_k = e^x_k / sum over j of e^x_j</c>; gradient <c>q_k sum(p) - p_k</c>.
/// </summary>
/// <remarks>
/// Shapes: logits and targets [K, H, W], a softmax over K for every pixel; a mean divides by the pixels, so by the
/// samples where H = W = 1. Targets are one-hot classes or probabilities. Stable: the largest logit of a pixel is
/// taken from all before the exponential; float64 inside. As torch.nn.CrossEntropyLoss.
/// </remarks>
/// <param name="classes">K; at least 1.</param>
public sealed class CrossEntropy(int classes) : Loss
{
    /// <summary>K.</summary>
    public int Classes { get; } = classes >= 1 ? classes : throw new ConfigurationException(
        $"cross-entropy of {classes} classes; allowed are 1 or more.", "Give the number of classes.");

    /// <inheritdoc/>
    public override string Name => "cross-entropy";

    /// <inheritdoc/>
    public override int Divisor(int elements) => elements / Classes;

    /// <inheritdoc/>
    public override double Evaluate(
        ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, Span<float> gradient, double progress = 0)
    {
        CheckLengths(prediction.Length, target.Length, gradient.Length);
        int pixels = CheckPixels(prediction.Length);
        double sum = 0;
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            (double largest, double logSum) = Normalize(prediction, pixel, pixels);
            double weight = 0;
            for (int i = pixel; i < prediction.Length; i += pixels)
            {
                // What a class of no probability costs is nothing, however unlikely the model finds it.
                weight += target[i];
                sum -= target[i] == 0 ? prediction[i] * 0.0 : target[i] * (prediction[i] - largest - logSum);
            }

            for (int i = pixel; i < prediction.Length; i += pixels)
            {
                double share = Elementary.Exp(prediction[i] - largest - logSum);
                gradient[i] = (float)((share * weight) - target[i]);
            }
        }

        return sum;
    }

    /// <summary>The same with the index of the class of each pixel as target.</summary>
    /// <param name="prediction">[K, H, W].</param>
    /// <param name="target">[H, W], each from 0 to K - 1.</param>
    /// <param name="gradient">[K, H, W], overwritten.</param>
    /// <exception cref="ArgumentException">The lengths do not fit, or a class does not exist.</exception>
    public double EvaluateClasses(ReadOnlySpan<float> prediction, ReadOnlySpan<int> target, Span<float> gradient)
    {
        int pixels = CheckPixels(prediction.Length);
        CheckLengths(prediction.Length, target.Length * Classes, gradient.Length);
        double sum = 0;
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            if ((uint)target[pixel] >= (uint)Classes)
            {
                throw new ArgumentException(
                    $"Loss: class {target[pixel]} of pixel {pixel}; allowed are 0 to {Classes - 1}.", nameof(target));
            }

            (double largest, double logSum) = Normalize(prediction, pixel, pixels);
            for (int i = pixel; i < prediction.Length; i += pixels)
            {
                gradient[i] = (float)Elementary.Exp(prediction[i] - largest - logSum);
            }

            int right = pixel + (target[pixel] * pixels);
            sum -= prediction[right] - largest - logSum;
            gradient[right] = (float)(Elementary.Exp(prediction[right] - largest - logSum) - 1);
        }

        return sum;
    }

    /// <summary>The largest logit of a pixel, and log of the sum of e^(x - largest); NaN if a logit is.</summary>
    private static (double Largest, double LogSum) Normalize(ReadOnlySpan<float> logits, int pixel, int pixels)
    {
        float largest = logits[pixel];
        for (int i = pixel + pixels; i < logits.Length; i += pixels)
        {
            largest = MathF.Max(largest, logits[i]);
        }

        double sum = 0;
        for (int i = pixel; i < logits.Length; i += pixels)
        {
            sum += Elementary.Exp((double)logits[i] - largest);
        }

        return (largest, Elementary.Log(sum));
    }

    private int CheckPixels(int elements) => elements % Classes == 0
        ? elements / Classes
        : throw new ArgumentException($"Loss: {elements} elements are no whole pixels of {Classes} classes.");
}
