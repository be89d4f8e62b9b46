using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>
/// The EE-559 course's noise: each pixel is one random pixel of its K x K block, all channels together.
/// </summary>
/// <remarks>
/// It shrinks the image by K. The clean image is the mean of each block. Pixel p takes word p of its key; the place in
/// the block is the upper half of word K K.
/// </remarks>
/// <param name="block">K, the block's side, in pixels: 2 to 16.</param>
/// <exception cref="ConfigurationException">The side is out of range.</exception>
public sealed class ResampleNoise(int block) : NoiseModel
{
    /// <summary>Largest block side, in pixels.</summary>
    public const int BlockMax = 16;

    private const int PieceLength = 256;

    private readonly int _block = block is >= 2 and <= BlockMax ? block : throw new ConfigurationException(
        $"The block side is {block}; allowed are 2 to {BlockMax}.", "Give the block side within that range.");

    /// <inheritdoc/>
    public override string Name => string.Create(CultureInfo.InvariantCulture, $"resample:{_block}");

    /// <inheritdoc/>
    public override int Shrink => _block;

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        Span<uint> words = stackalloc uint[PieceLength];
        int pixels = shape.H * shape.W;
        int cleanPixels = pixels * _block * _block;
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            if (pixel % PieceLength == 0)
            {
                key.Random.Fill(key.Epoch, key.Sample, key.Copy, firstWord: (uint)pixel, words);
            }

            int place = (int)(((ulong)words[pixel % PieceLength] * (uint)(_block * _block)) >> 32);
            int y = (pixel / shape.W * _block) + (place / _block);
            int x = (pixel % shape.W * _block) + (place % _block);
            for (int c = 0; c < shape.C; c++)
            {
                noisy[(c * pixels) + pixel] = clean[(c * cleanPixels) + (y * shape.W * _block) + x];
            }
        }
    }

    /// <inheritdoc/>
    public override void MakeClean(ReadOnlySpan<float> clean, ImageShape shape, Span<float> target)
    {
        int rowLength = shape.W * _block;
        for (int row = 0; row < shape.C * shape.H; row++)
        {
            for (int x = 0; x < shape.W; x++)
            {
                float sum = 0;
                for (int i = 0; i < _block * _block; i++)
                {
                    sum += clean[(((row * _block) + (i / _block)) * rowLength) + (x * _block) + (i % _block)];
                }

                target[(row * shape.W) + x] = sum / (_block * _block);
            }
        }
    }
}
