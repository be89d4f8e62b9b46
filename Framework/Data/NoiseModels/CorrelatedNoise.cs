using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>
/// Adds normal noise that neighbouring pixels share: <c>noisy = clean + sigma / 255 (k * z)</c>, white noise z
/// convolved with a Gaussian kernel k whose squares add up to 1.
/// </summary>
/// <remarks>
/// Zero mean, and sigma in every pixel, at the border too, since z goes on beyond it; channels are independent. Pixels
/// d apart correlate by nearly exp(-d^2 / (4 blur^2)) if blur is 1 or more; the kernel ends at three standard
/// deviations. Each convolution, first along rows and then along columns, adds the kernel's elements in order, one
/// rounding each. Row y of channel c of z begins at element (c (H + 2 r) + y) l of its key, where r is the kernel's
/// reach and l is W + 2 r, rounded up to a multiple of 4. Source: Lehtinen et al. 2018, "Noise2Noise", section 3.1,
/// brown noise.
/// </remarks>
public sealed class CorrelatedNoise : NoiseModel
{
    /// <summary>Standard deviation of the kernel if none is given, in pixels.</summary>
    public const float DefaultBlur = 1;

    /// <summary>Least standard deviation of the kernel, in pixels.</summary>
    public const float BlurMin = 0.25f;

    /// <summary>Largest standard deviation of the kernel, in pixels.</summary>
    public const float BlurMax = 8;

    private readonly NoiseLevel _sigma;
    private readonly float _blur;
    private readonly float[] _kernel;

    /// <summary>Makes one.</summary>
    /// <param name="sigma">Standard deviation of a pixel, in 1/255; above 0, at most 2550.</param>
    /// <param name="blur">Standard deviation of the kernel, in pixels; 0.25 to 8.</param>
    /// <exception cref="ConfigurationException">The level or the blur is out of range.</exception>
    public CorrelatedNoise(NoiseLevel sigma, float blur = DefaultBlur)
    {
        _sigma = sigma.Checked("standard deviation", GaussianNoise.SigmaMax);
        _blur = blur is >= BlurMin and <= BlurMax ? blur : throw new ConfigurationException(
            string.Create(CultureInfo.InvariantCulture, $"The blur is {blur}; allowed are {BlurMin} to {BlurMax}."),
            "Give the blur within that range.");
        _kernel = Kernel(blur);
    }

    /// <inheritdoc/>
    public override string Name => _blur == DefaultBlur
        ? $"correlated:{_sigma}"
        : string.Create(CultureInfo.InvariantCulture, $"correlated:{_sigma},{_blur}");

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        float scale = _sigma.Draw(key) / 255f;
        int taps = _kernel.Length;
        int height = shape.H + taps - 1;
        int length = (shape.W + taps + 2) & ~3;
        Span<float> scratch = ThreadScratch.ForNoise(length + ((taps + 1) * shape.W));
        Span<float> white = scratch[..length];
        Span<float> sum = scratch.Slice(length, shape.W);
        Span<float> rows = scratch[(length + shape.W)..]; // The last rows that are blurred along themselves, in turn.
        for (int c = 0; c < shape.C; c++)
        {
            for (int y = 0; y < height; y++)
            {
                uint first = (uint)(((c * height) + y) * (long)length);
                Gaussian.Fill(key.Random, key.Epoch, key.Sample, key.Copy, first, white);
                Span<float> row = rows.Slice(y % taps * shape.W, shape.W);
                row.Clear();
                for (int i = 0; i < taps; i++)
                {
                    AddScaled(white.Slice(i, shape.W), _kernel[i], row);
                }

                int top = y - taps + 1;
                if (top < 0)
                {
                    continue;
                }

                sum.Clear();
                for (int i = 0; i < taps; i++)
                {
                    AddScaled(rows.Slice((top + i) % taps * shape.W, shape.W), _kernel[i], sum);
                }

                int start = ((c * shape.H) + top) * shape.W;
                clean.Slice(start, shape.W).CopyTo(noisy.Slice(start, shape.W));
                AddScaled(sum, scale, noisy.Slice(start, shape.W));
            }
        }
    }

    /// <summary>exp(-x^2 / (2 blur^2)) to three standard deviations either way, divided by its norm.</summary>
    private static float[] Kernel(double blur)
    {
        int reach = (int)Math.Ceiling(3 * blur);
        double[] values = new double[(2 * reach) + 1];
        double squares = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double x = (i - reach) / blur;
            values[i] = Elementary.Exp(-x * x / 2);
            squares = Math.FusedMultiplyAdd(values[i], values[i], squares);
        }

        double norm = Math.Sqrt(squares);
        return [.. values.Select(value => (float)(value / norm))];
    }
}
