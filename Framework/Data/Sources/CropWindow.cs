using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Which part of an image is read: all of it, or a random square window (<c>--crop N</c>).</summary>
/// <remarks>
/// The window is a function of (seed, epoch, sample): the words of Philox (seed, Crop) at counter (epoch, sample, 1 for
/// validation). N is the side of what the network sees; noise that shrinks takes a window as many times larger.
/// </remarks>
internal sealed class CropWindow
{
    private const int DefaultSide = 64;
    private readonly Philox _random;
    private readonly uint _isValidation;
    private readonly int _shrink;
    private readonly ImageSet _images;

    /// <summary>Of each image, where the windows of the next one begin; null for one window an image.</summary>
    private readonly int[]? _ends;

    /// <summary>Chooses the size for a set and checks every image against it.</summary>
    /// <exception cref="ConfigurationException">The side is below 1.</exception>
    /// <exception cref="DataException">An image is smaller.</exception>
    public CropWindow(ImageSet images, PairTreatment treatment, int shrink)
    {
        (int? side, uint seed, bool isValidation) = (treatment.Crop, treatment.Seed, treatment.IsValidation);
        if (side < 1)
        {
            throw new ConfigurationException($"--crop {side} is below 1.", "Give the window's side in pixels.");
        }

        _random = new Philox(seed, RandomPurpose.Crop);
        _isValidation = isValidation ? 1u : 0;
        _shrink = shrink;
        _images = images;
        ImageShape first = Shrunk(images.ShapeOf(0));
        bool whole = side is null && first.H <= DefaultSide && first.W <= DefaultSide;
        for (int i = 1; whole && i < images.Count; i++)
        {
            whole = images.ShapeOf(i) == images.ShapeOf(0);
        }

        Shape = whole ? first : new ImageShape(first.C, side ?? DefaultSide, side ?? DefaultSide);
        ImageShape[] shapes = [.. Enumerable.Range(0, images.Count).Select(ShapeOf).Distinct()];
        HasWholes = Array.Exists(shapes, shape => shape != Shape);
        if (treatment.Whole && HasWholes)
        {
            Shape = new ImageShape(first.C, shapes.Min(shape => shape.H), shapes.Min(shape => shape.W));
        }

        _ends = treatment.Covers ? new int[images.Count] : null;
        for (int i = 0; i < images.Count; i++)
        {
            ImageShape shape = ShapeOf(i);
            if (shape.H < Shape.H || shape.W < Shape.W || Shape.H < 1 || Shape.W < 1)
            {
                throw new DataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{images.NameOf(i)} gives {shape.H} x {shape.W} pixels; the window is {Shape.H} x {Shape.W}."),
                    "Use larger pictures, or a smaller --crop.");
            }

            if (_ends is not null)
            {
                int windows = (int)Math.Max(1, (long)shape.H * shape.W / (Shape.H * Shape.W));
                _ends[i] = checked((i == 0 ? 0 : _ends[i - 1]) + windows);
            }
        }
    }

    /// <summary>Whether some image is larger than the window that is usual for the set.</summary>
    public bool HasWholes { get; }

    /// <summary>Shape of what the network sees of a whole image.</summary>
    public ImageShape ShapeOf(int image) => Shrunk(_images.ShapeOf(image));

    /// <summary>Shape of what the network sees.</summary>
    public ImageShape Shape { get; }

    /// <summary>Shape of the window in the image.</summary>
    public ImageShape Source => new(Shape.C, Shape.H * _shrink, Shape.W * _shrink);

    /// <summary>Windows of a pass over the first images.</summary>
    /// <param name="images">How many; more than there are mean all.</param>
    public int CountOf(int images) => _ends is null ? images : _ends[Math.Min(images, _ends.Length) - 1];

    /// <summary>The image that a window of a pass is of.</summary>
    public int ImageOf(int window)
    {
        if (_ends is null)
        {
            return window;
        }

        int at = Array.BinarySearch(_ends, window);
        return at >= 0 ? at + 1 : ~at;
    }

    /// <summary>The window's first row and column.</summary>
    public (int Top, int Left) Place(ImageShape image, uint epoch, uint sample)
    {
        uint rows = (uint)(image.H - Source.H + 1);
        uint columns = (uint)(image.W - Source.W + 1);
        if (rows == 1 && columns == 1)
        {
            return (0, 0);
        }

        RandomBlock block = _random.Block(epoch, sample, _isValidation);
        return ((int)(((ulong)block.Word0 * rows) >> 32), (int)(((ulong)block.Word1 * columns) >> 32));
    }

    private ImageShape Shrunk(ImageShape shape) => new(shape.C, shape.H / _shrink, shape.W / _shrink);
}
