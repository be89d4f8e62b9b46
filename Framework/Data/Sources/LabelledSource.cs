using System.Globalization;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Images and their classes, for a classifier: targets are one-hot.</summary>
/// <remarks>Windows and augmentation as for pairs; nothing is noisy.</remarks>
public sealed class LabelledSource : PairSource
{
    private readonly ImageSet _images;
    private readonly byte[] _labels;
    private readonly CropWindow _window;
    private readonly Augmentation _augmentation;
    private readonly bool _isFixed;
    private readonly PackedContent _content;

    /// <param name="images">One tensor of images.</param>
    /// <param name="labels">The class of each.</param>
    /// <param name="classCount">All labels are below it.</param>
    /// <param name="treatment">Windows and augmentation.</param>
    /// <exception cref="DataException">A label is too large, or there are not as many as images.</exception>
    public LabelledSource(ImageSet images, byte[] labels, int classCount, PairTreatment treatment)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(treatment);
        if (labels.Length != images.Count || Array.Exists(labels, label => label >= classCount))
        {
            throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{images.NameOf(0)}: {images.Count} images, {labels.Length} labels, {classCount} classes."),
                "Give every image one label below the number of classes.");
        }

        _images = images;
        _labels = labels;
        ClassCount = classCount;
        _content = new PackedContent(Pack);
        _window = new CropWindow(images, treatment, shrink: 1);
        _isFixed = treatment.Stays;
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
    public override ImageShape TargetShape => new(ClassCount, 1, 1);

    /// <inheritdoc/>
    public override int ClassCount { get; }

    /// <inheritdoc/>
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => _content.Hash;

    /// <inheritdoc/>
    public override PackedContent? Packed => _images.CanPack ? _content : null;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        int image = _window.ImageOf(index);
        (int top, int left) = _window.Place(_images.ShapeOf(image), _isFixed ? 0 : (uint)epoch, (uint)index);
        _images.ReadWindow(image, top, left, Shape, input);
        _augmentation.At((uint)epoch, (uint)index).Apply(input, Shape);
        target = target[..ClassCount];
        target.Clear();
        target[_labels[image]] = 1;
    }

    private void Pack(Stream target)
    {
        ImageSet.WriteLine(
            target, string.Create(CultureInfo.InvariantCulture, $"{PackedFile.LabelsWord} {ClassCount}"));
        _images.WriteContent(target);
        ImageBlock.OfBytes("labels", _labels.Length, new ImageShape(1, 1, 1), _labels).WriteContent(target);
    }
}
