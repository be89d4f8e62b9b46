using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>Loses pixels: each becomes 0 with probability P, in all channels, and is kept otherwise.</summary>
/// <remarks>
/// Pixel i is lost if word i of its key is below 2^32 P. A lost pixel of a noisy target says nothing, so it stays out
/// of the loss: <c>(m (f(x) - y))^2</c> with m = 0 where y was lost. Without that a network would learn (1 - P) times
/// the image. Source: Lehtinen et al. 2018, "Noise2Noise", section 3.2, multiplicative Bernoulli noise.
/// </remarks>
/// <param name="lost">P; above 0, at most 0.99.</param>
/// <exception cref="Errors.ConfigurationException">The level is out of range.</exception>
public sealed class BernoulliNoise(NoiseLevel lost) : NoiseModel
{
    private const int PieceLength = 256;

    private readonly NoiseLevel _lost = lost.Checked("share of lost pixels", ShareMax);

    /// <inheritdoc/>
    public override string Name => $"bernoulli:{_lost}";

    /// <inheritdoc/>
    public override bool HasMask => true;

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        int pixels = shape.H * shape.W;
        Span<float> mask = stackalloc float[PieceLength];
        ulong limit = Limit(key);
        for (int start = 0; start < pixels; start += PieceLength)
        {
            Span<float> piece = mask[..Math.Min(PieceLength, pixels - start)];
            FillMask(key, limit, start, piece);
            for (int c = 0; c < shape.C; c++)
            {
                int first = (c * pixels) + start;
                for (int i = 0; i < piece.Length; i++)
                {
                    noisy[first + i] = piece[i] == 0 ? 0 : clean[first + i];
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void MakeMask(NoiseKey key, ImageShape shape, Span<float> mask)
    {
        int pixels = shape.H * shape.W;
        ulong limit = Limit(key);
        for (int start = 0; start < pixels; start += PieceLength)
        {
            FillMask(key, limit, start, mask.Slice(start, Math.Min(PieceLength, pixels - start)));
        }
    }

    private ulong Limit(NoiseKey key) => (ulong)((double)_lost.Draw(key) * (1L << 32));

    private static void FillMask(NoiseKey key, ulong limit, int start, Span<float> mask)
    {
        Span<uint> words = stackalloc uint[PieceLength];
        words = words[..mask.Length];
        key.Random.Fill(key.Epoch, key.Sample, key.Copy, firstWord: (uint)start, words);
        for (int i = 0; i < mask.Length; i++)
        {
            mask[i] = words[i] < limit ? 0 : 1;
        }
    }
}
