using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>Adds independent normal noise to every value: <c>noisy = clean + sigma / 255 z</c>.</summary>
/// <remarks>Electronic noise of a camera, and the usual benchmark.</remarks>
/// <param name="sigma">Standard deviation, in 1/255; above 0, at most 2550.</param>
/// <exception cref="Errors.ConfigurationException">The level is out of range.</exception>
public sealed class GaussianNoise(NoiseLevel sigma) : NoiseModel
{
    /// <summary>Largest standard deviation, in 1/255.</summary>
    public const int SigmaMax = 2550;

    private const int PieceLength = 256;

    private readonly NoiseLevel _sigma = sigma.Checked("standard deviation", SigmaMax);

    /// <inheritdoc/>
    public override string Name => $"gaussian:{_sigma}";

    /// <inheritdoc/>
    public override float? Sigma(NoiseKey key) => _sigma.Draw(key) / 255f;

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        float scale = Sigma(key)!.Value;
        // In pieces that stay in the first-level cache: the noise of a long image would not.
        Span<float> noise = stackalloc float[PieceLength];
        for (int start = 0; start < shape.Elements; start += PieceLength)
        {
            Span<float> piece = noise[..Math.Min(PieceLength, shape.Elements - start)];
            Gaussian.Fill(key.Random, key.Epoch, key.Sample, key.Copy, firstElement: (uint)start, piece);
            Span<float> target = noisy.Slice(start, piece.Length);
            clean.Slice(start, piece.Length).CopyTo(target);
            AddScaled(piece, scale, target);
        }
    }
}
