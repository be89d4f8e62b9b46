using System.Globalization;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>Adds independent normal noise to every value: <c>noisy = clean + sigma / 255 z</c>.</summary>
/// <param name="sigma">Standard deviation, in 1/255.</param>
public sealed class GaussianNoise(float sigma) : NoiseModel
{
    /// <summary>Largest standard deviation, in 1/255.</summary>
    public const int SigmaMax = 2550;

    private const int PieceLength = 256;
    private readonly float _scale = sigma / 255f;

    /// <inheritdoc/>
    public override string Name => string.Create(CultureInfo.InvariantCulture, $"gaussian:{sigma}");

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        // In pieces that stay in the first-level cache: the noise of a long image would not.
        Span<float> noise = stackalloc float[PieceLength];
        for (int start = 0; start < shape.Elements; start += PieceLength)
        {
            Span<float> piece = noise[..Math.Min(PieceLength, shape.Elements - start)];
            Gaussian.Fill(key.Random, key.Epoch, key.Sample, key.Copy, firstElement: (uint)start, piece);
            for (int i = 0; i < piece.Length; i++)
            {
                noisy[start + i] = MathF.FusedMultiplyAdd(piece[i], _scale, clean[start + i]);
            }
        }
    }
}
