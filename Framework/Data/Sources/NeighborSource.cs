using Distributed.Framework.Data.Packed;
using Distributed.Framework.Metrics;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs of single noisy images: two images of half the size, of neighbouring pixels of one window.</summary>
/// <remarks>
/// Of each 2 x 2 cell of the window two pixels that lie side by side, or one above the other, are drawn: one becomes
/// the input's, the other the target's, in all channels; each of the eight ways is as likely. So their noise is
/// independent if that of neighbouring pixels is, and their pictures are nearly alike: what they differ by is what
/// <see cref="Training.NeighborTerm"/> is for. Where the noise of neighbours is correlated (a Bayer pattern that was
/// interpolated, JPEG, scaled or denoised pictures), a network learns to keep it. A function of (seed, epoch, sample):
/// cell i takes the lower three bits of nibble i mod 8 of word i / 8 of Philox (seed, Neighbors) at counter (epoch,
/// sample, 1 for validation). Source: Huang, Li, Jia, Lu, Liu 2021, "Neighbor2Neighbor: Self-Supervised Denoising from
/// Single Noisy Images", section 4.1.
/// </remarks>
public sealed class NeighborSource : PairSource
{
    /// <summary>Side of a cell, in pixels.</summary>
    internal const int Cell = 2;

    private const int CellsPerWord = 8;
    private const int PieceWords = 64;
    private const uint Ways = 8;

    /// <summary>Of each way, the input's and the target's pixel of a cell, 2 y + x.</summary>
    private static readonly (int Input, int Target)[] s_ways =
        [(0, 1), (1, 0), (2, 3), (3, 2), (0, 2), (2, 0), (1, 3), (3, 1)];

    [ThreadStatic]
    private static double[]? t_estimate;

    private readonly ImageSet _images;
    private readonly CropWindow _window;
    private readonly Augmentation _augmentation;
    private readonly Philox _random;
    private readonly bool _isFixed;
    private readonly uint _isValidation;

    /// <param name="images">Noisy images.</param>
    /// <param name="treatment">Windows and augmentation; the side of a window is that of the pair's images.</param>
    public NeighborSource(ImageSet images, PairTreatment treatment)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(treatment);
        _images = images;
        _window = new CropWindow(images, treatment, Cell);
        _random = new Philox(treatment.Seed, RandomPurpose.Neighbors);
        _isFixed = treatment.Stays;
        _isValidation = treatment.IsValidation ? 1u : 0;
        _augmentation = new Augmentation(treatment.Augments, treatment.Seed, Shape, maySwap: false);
    }

    /// <inheritdoc/>
    public override int Count => _window.CountOf(_images.Count);

    /// <inheritdoc/>
    public override int Pictures => _images.Count;

    /// <inheritdoc/>
    internal override int CountOf(int pictures) => Math.Min(_window.CountOf(pictures), Count);

    /// <inheritdoc/>
    public override ImageShape Shape => _window.Shape;

    /// <inheritdoc/>
    public override ImageShape? WindowShape => _window.Source;

    /// <inheritdoc/>
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => _images.ContentHash;

    /// <inheritdoc/>
    public override PackedContent? Packed => _images.Packed;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        Span<float> window = ThreadScratch.ForImage(_window.Source.Elements);
        ReadWindow(index, epoch, window);
        Split(index, epoch, window, input, target);
    }

    /// <inheritdoc/>
    public override void ReadWindow(int index, int epoch, Span<float> window)
    {
        int image = _window.ImageOf(index);
        (int top, int left) = _window.Place(_images.ShapeOf(image), EpochOf(epoch), (uint)index);
        _images.ReadWindow(image, top, left, _window.Source, window);
        _augmentation.At((uint)epoch, (uint)index).Apply(window, _window.Source);
    }

    /// <inheritdoc/>
    public override void Split(
        int index, int epoch, ReadOnlySpan<float> window, Span<float> first, Span<float> second)
    {
        (int channels, int height, int width) = Shape;
        int cells = height * width;
        int line = Cell * width;
        Span<uint> words = stackalloc uint[PieceWords];
        for (int start = 0; start < cells; start += PieceWords * CellsPerWord)
        {
            int end = Math.Min(cells, start + (PieceWords * CellsPerWord));
            _random.Fill(EpochOf(epoch), (uint)index, _isValidation, (uint)(start / CellsPerWord), words);
            for (int cell = start; cell < end; cell++)
            {
                uint word = words[(cell - start) / CellsPerWord];
                (int one, int other) = s_ways[(word >> (4 * (cell % CellsPerWord))) % Ways];
                int corner = (cell / width * Cell * line) + (cell % width * Cell);
                int from = corner + (one / Cell * line) + (one % Cell);
                int to = corner + (other / Cell * line) + (other % Cell);
                for (int c = 0; c < channels; c++)
                {
                    int plane = c * cells * Cell * Cell;
                    first[(c * cells) + cell] = window[plane + from];
                    second[(c * cells) + cell] = window[plane + to];
                }
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>As seen in the window, where pixels are as far apart as where the network will be used.</remarks>
    public override float? SigmaOf(int index, int epoch)
    {
        Span<float> window = ThreadScratch.ForImage(_window.Source.Elements);
        ReadWindow(index, epoch, window);
        double[] memory = t_estimate ?? [];
        float sigma = NoiseEstimate.Level(window, _window.Source, ref memory);
        t_estimate = memory;
        return sigma;
    }

    /// <summary>Fixed pairs are those of the first epoch for ever.</summary>
    private uint EpochOf(int epoch) => _isFixed ? 0 : (uint)epoch;
}
