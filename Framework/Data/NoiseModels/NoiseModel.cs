using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>What is done to a clean image to make a noisy one; the result is never clipped.</summary>
/// <remarks>
/// A pure function of the key and the element. Safe from many threads; allocates nothing. A new model is a class and a
/// line in <see cref="Parse"/>; it draws its numbers from Philox at counter (epoch, sample, copy, block).
/// </remarks>
public abstract class NoiseModel
{
    /// <summary>Largest share of pixels that a model may corrupt.</summary>
    public const float ShareMax = 0.99f;

    private const string Allowed =
        "Use gaussian:S (S in 1/255, as gaussian:25), correlated:S or correlated:S,BLUR (BLUR in pixels), "
        + "poisson:PEAK, bernoulli:P, impulse:P, text:P or resample:K; S, PEAK and P also as ranges, one for "
        + "each image, as gaussian:0-50.";

    /// <summary>The argument that gives this model, in its shortest form.</summary>
    public abstract string Name { get; }

    /// <summary>How many clean pixels a side make one of the pair's: 1 unless the model shrinks the image.</summary>
    public virtual int Shrink => 1;

    /// <summary>
    /// Whether the model loses pixels and says which, so that a loss against a noisy target must leave them out.
    /// </summary>
    public virtual bool HasMask => false;

    /// <summary>Standard deviation of the noise of a copy, if it is one number; else null.</summary>
    public virtual float? Sigma(NoiseKey key) => null;

    /// <summary>Reads the argument of <c>--noise</c>.</summary>
    /// <exception cref="ConfigurationException">There is no such model, or its parameter is out of range.</exception>
    public static NoiseModel Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? text : text[..colon];
        string parameter = colon < 0 ? "" : text[(colon + 1)..];
        return kind switch
        {
            "gaussian" => new GaussianNoise(Level(GaussianNoise.SigmaMax, "standard deviation")),
            "correlated" => ParseCorrelated(text, parameter),
            "poisson" => new PoissonNoise(Level(PoissonNoise.PeakMax, "number of counts")),
            "bernoulli" => new BernoulliNoise(Level(ShareMax, "share of pixels")),
            "impulse" => new ImpulseNoise(Level(ShareMax, "share of pixels")),
            "text" when colon < 0 => new TextNoise(new NoiseLevel(TextNoise.DefaultShare, TextNoise.DefaultShare)),
            "text" => new TextNoise(Level(TextNoise.TextShareMax, "share of pixels")),
            "resample" => new ResampleNoise(ParseBlock(text, parameter)),
            _ => throw new ConfigurationException($"--noise {text}: there is no noise model '{kind}'.", Allowed),
        };

        NoiseLevel Level(float maximum, string what) => NoiseLevel.Parse(text, parameter, maximum, what, Allowed);
    }

    /// <summary>Makes a noisy copy.</summary>
    /// <param name="key">Which noise.</param>
    /// <param name="clean">The clean image, [C, H Shrink, W Shrink].</param>
    /// <param name="shape">Shape of the noisy image, [C, H, W].</param>
    /// <param name="noisy">[C, H, W], overwritten; may be the same memory as clean if Shrink is 1.</param>
    public abstract void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy);

    /// <summary>
    /// Makes the clean image that belongs to a noisy one: what a network should give.
    /// </summary>
    /// <param name="clean">The clean image, [C, H Shrink, W Shrink].</param>
    /// <param name="shape">Shape of the result, [C, H, W].</param>
    /// <param name="target">[C, H, W], overwritten.</param>
    /// <remarks>
    /// For gaussian, correlated, poisson and resample it is the mean of the noisy copies, which squared error learns
    /// from noisy targets. For bernoulli it is the mean of the pixels that were kept (their mask leaves the others out
    /// of the loss); for text the median of a pixel's values while less than half are covered (L1); for impulse their
    /// mode (annealed L0).
    /// </remarks>
    public virtual void MakeClean(ReadOnlySpan<float> clean, ImageShape shape, Span<float> target) =>
        clean.CopyTo(target);

    /// <summary>Says which pixels of a noisy copy carry information; only where <see cref="HasMask"/>.</summary>
    /// <param name="key">The copy's.</param>
    /// <param name="shape">Shape of the noisy image.</param>
    /// <param name="mask">[H, W], overwritten: 1 where a pixel was kept, 0 where it was lost, in all channels.</param>
    public virtual void MakeMask(NoiseKey key, ImageShape shape, Span<float> mask) =>
        throw new NotSupportedException($"{Name} has no mask.");

    private static CorrelatedNoise ParseCorrelated(string text, string parameter)
    {
        string[] parts = parameter.Split(',', 2);
        NoiseLevel sigma = NoiseLevel.Parse(
            text, parts[0], GaussianNoise.SigmaMax, "standard deviation", Allowed);
        float blur = CorrelatedNoise.DefaultBlur;
        return parts.Length == 1
            || (float.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out blur)
                && blur is >= CorrelatedNoise.BlurMin and <= CorrelatedNoise.BlurMax)
            ? new CorrelatedNoise(sigma, blur)
            : throw new ConfigurationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--noise {text}: '{parts[1]}' is no blur from {CorrelatedNoise.BlurMin} to ")
                + string.Create(CultureInfo.InvariantCulture, $"{CorrelatedNoise.BlurMax} pixels."),
                Allowed);
    }

    private static int ParseBlock(string text, string parameter) =>
        int.TryParse(parameter, NumberStyles.None, CultureInfo.InvariantCulture, out int block)
            && block is >= 2 and <= ResampleNoise.BlockMax
            ? block
            : throw new ConfigurationException(
                $"--noise {text}: '{parameter}' is no block side from 2 to {ResampleNoise.BlockMax}.", Allowed);

    /// <summary>target[i] += factor source[i], rounded once.</summary>
    private protected static void AddScaled(ReadOnlySpan<float> source, float factor, Span<float> target)
    {
        ref float from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(target);
        Vector256<float> factors = Vector256.Create(factor);
        int i = 0;
        for (; i + Vector256<float>.Count <= target.Length; i += Vector256<float>.Count)
        {
            Vector256.FusedMultiplyAdd(
                Vector256.LoadUnsafe(ref from, (nuint)i), factors, Vector256.LoadUnsafe(ref to, (nuint)i))
                .StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < target.Length; i++)
        {
            target[i] = MathF.FusedMultiplyAdd(source[i], factor, target[i]);
        }
    }
}
