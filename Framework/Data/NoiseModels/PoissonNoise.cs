using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>Counts of photons: <c>noisy = Poisson(PEAK clean) / PEAK</c>, each element by itself.</summary>
/// <remarks>
/// Mean: the clean value; variance: clean / PEAK. Below 0 counts as 0. Element i draws from blocks i, i + 2^27,
/// i + 2 2^27 and so on of its key, so an image may have up to 2^27 elements. Low light, microscopy, astronomy.
/// </remarks>
/// <param name="peak">Expected count where the clean value is 1; above 0, at most 1e6.</param>
/// <exception cref="Errors.ConfigurationException">The level is out of range.</exception>
public sealed class PoissonNoise(NoiseLevel peak) : NoiseModel
{
    /// <summary>Largest expected count at value 1.</summary>
    public const float PeakMax = 1e6f;

    private readonly NoiseLevel _peak = peak.Checked("number of counts", PeakMax);

    /// <inheritdoc/>
    public override string Name => $"poisson:{_peak}";

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        // A range may begin at 0, which would be no light at all.
        float counts = MathF.Max(_peak.Draw(key), 1e-3f);
        for (int i = 0; i < shape.Elements; i++)
        {
            noisy[i] = (float)Poisson.Draw(key.Random, key.Epoch, key.Sample, key.Copy, (uint)i, counts * clean[i])
                / counts;
        }
    }
}
