using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>What is done to one pair in one epoch.</summary>
/// <param name="FlipX">Left and right change places.</param>
/// <param name="FlipY">Top and bottom change places.</param>
/// <param name="Transpose">Rows and columns change places, before the flips; only for squares.</param>
/// <param name="Swap">Input and target change places; only where both are noisy.</param>
internal readonly record struct PairTransform(bool FlipX, bool FlipY, bool Transpose, bool Swap)
{
    /// <summary>Whether pixels stay where they are.</summary>
    public bool KeepsPlaces => !FlipX && !FlipY && !Transpose;

    /// <summary>Writes the transformed image.</summary>
    /// <param name="image">[C, H, W].</param>
    /// <param name="shape">C, H and W.</param>
    /// <param name="destination">[C, H, W], overwritten; other memory than image.</param>
    public void Apply(ReadOnlySpan<float> image, ImageShape shape, Span<float> destination)
    {
        (int h, int w) = (shape.H, shape.W);
        for (int row = 0; row < shape.C * h; row++)
        {
            int y = row % h;
            int plane = (row - y) * w;
            int fromY = FlipY ? h - 1 - y : y;
            for (int x = 0; x < w; x++)
            {
                int fromX = FlipX ? w - 1 - x : x;
                int source = Transpose ? (fromX * w) + fromY : (fromY * w) + fromX;
                destination[(row * w) + x] = image[plane + source];
            }
        }
    }

    /// <summary>Transforms in place.</summary>
    public void Apply(Span<float> image, ImageShape shape)
    {
        if (KeepsPlaces)
        {
            return;
        }

        Span<float> copy = ThreadScratch.ForTransform(shape.Elements);
        image[..shape.Elements].CopyTo(copy);
        Apply(copy, shape, image);
    }
}

/// <summary>Random flips, rotations by quarter turns, and swaps of pairs (<c>--augment</c>).</summary>
/// <remarks>
/// A function of (seed, epoch, sample): the lower four bits of word 0 of Philox (seed, Augmentation) at counter (epoch,
/// sample). Flips and the transpose together give the eight positions of a square, each as often; what is not square
/// is only flipped.
/// </remarks>
internal readonly struct Augmentation
{
    private readonly Philox _random;
    private readonly bool _isOn;
    private readonly bool _isSquare;
    private readonly bool _maySwap;

    /// <param name="isOn">False: pairs stay as they are.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="shape">Of the images.</param>
    /// <param name="maySwap">Whether both images of a pair are noisy.</param>
    public Augmentation(bool isOn, uint seed, ImageShape shape, bool maySwap)
    {
        _random = new Philox(seed, RandomPurpose.Augmentation);
        _isOn = isOn;
        _isSquare = shape.H == shape.W;
        _maySwap = maySwap;
    }

    /// <summary>What is done to a pair.</summary>
    public PairTransform At(uint epoch, uint sample)
    {
        if (!_isOn)
        {
            return default;
        }

        uint word = _random.Block(epoch, sample).Word0;
        return new PairTransform(
            (word & 1) != 0, (word & 2) != 0, _isSquare && (word & 4) != 0, _maySwap && (word & 8) != 0);
    }
}
