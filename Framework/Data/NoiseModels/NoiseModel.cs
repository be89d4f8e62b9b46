using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>What is done to a clean image to make a noisy one; the result is never clipped.</summary>
/// <remarks>
/// A pure function of the key and the element. Safe from many threads; allocates nothing. A new model is a class and a
/// line in <see cref="Parse"/>; it draws its numbers from Philox at counter (epoch, sample, copy, element / 4).
/// </remarks>
public abstract class NoiseModel
{
    private const string Allowed =
        "Use gaussian:S (S in 1/255, for example gaussian:25) or resample:K (for example resample:2).";

    /// <summary>The argument that gives this model, in its shortest form.</summary>
    public abstract string Name { get; }

    /// <summary>How many clean pixels a side make one of the pair's: 1 unless the model shrinks the image.</summary>
    public virtual int Shrink => 1;

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
            "gaussian" => new GaussianNoise(ParseSigma(text, parameter)),
            "resample" => new ResampleNoise(ParseBlock(text, parameter)),
            _ => throw new ConfigurationException($"--noise {text}: there is no noise model '{kind}'.", Allowed),
        };
    }

    /// <summary>Makes a noisy copy.</summary>
    /// <param name="key">Which noise.</param>
    /// <param name="clean">The clean image, [C, H Shrink, W Shrink].</param>
    /// <param name="shape">Shape of the noisy image, [C, H, W].</param>
    /// <param name="noisy">[C, H, W], overwritten; may be the same memory as clean if Shrink is 1.</param>
    public abstract void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy);

    /// <summary>
    /// Makes the clean image that belongs to a noisy one: what an infinite number of noisy copies average to.
    /// </summary>
    /// <param name="clean">The clean image, [C, H Shrink, W Shrink].</param>
    /// <param name="shape">Shape of the result, [C, H, W].</param>
    /// <param name="target">[C, H, W], overwritten.</param>
    public virtual void MakeClean(ReadOnlySpan<float> clean, ImageShape shape, Span<float> target) =>
        clean.CopyTo(target);

    private static float ParseSigma(string text, string parameter) =>
        float.TryParse(parameter, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out float sigma)
            && sigma > 0 && sigma <= GaussianNoise.SigmaMax
            ? sigma
            : throw new ConfigurationException(
                $"--noise {text}: '{parameter}' is no standard deviation above 0 and at most {GaussianNoise.SigmaMax}.",
                Allowed);

    private static int ParseBlock(string text, string parameter) =>
        int.TryParse(parameter, NumberStyles.None, CultureInfo.InvariantCulture, out int block)
            && block is >= 2 and <= ResampleNoise.BlockMax
            ? block
            : throw new ConfigurationException(
                $"--noise {text}: '{parameter}' is no block side from 2 to {ResampleNoise.BlockMax}.", Allowed);
}
