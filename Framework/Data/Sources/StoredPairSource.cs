using System.Globalization;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs that are stored as such: image i of one set with image i of the other.</summary>
/// <remarks>
/// Window and transform, if any, are the same in both; others in each epoch for training, fixed for validation. Their
/// content is that of the two sets; if they are not one tensor each, after a line "pairs".
/// </remarks>
public sealed class StoredPairSource : PairSource
{
    private readonly ImageSet _inputs;
    private readonly ImageSet _targets;
    private readonly CropWindow _window;
    private readonly Augmentation _augmentation;
    private readonly bool _isFixed;
    private readonly PackedContent _content;

    /// <param name="inputs">Noisy images.</param>
    /// <param name="targets">As many images of the same shapes, noisy or clean.</param>
    /// <param name="treatment">Windows, targets and augmentation.</param>
    /// <exception cref="DataException">Counts or shapes differ.</exception>
    public StoredPairSource(ImageSet inputs, ImageSet targets, PairTreatment treatment)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(treatment);
        if (inputs.Count != targets.Count)
        {
            throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{inputs.NameOf(0)}: {inputs.Count} first images, but {targets.Count} second images."),
                "Every image needs its partner.");
        }

        for (int i = 0; i < inputs.Count; i++)
        {
            if (inputs.ShapeOf(i) != targets.ShapeOf(i))
            {
                throw new DataException(
                    $"{inputs.NameOf(i)} is {inputs.ShapeOf(i)}, but its partner is {targets.ShapeOf(i)}.",
                    "The images of a pair need the same shape.");
            }
        }

        _inputs = inputs;
        _targets = targets;
        _content = new PackedContent(Pack);
        _window = new CropWindow(inputs, treatment, shrink: 1);
        _isFixed = treatment.Stays;
        HasCleanTargets = treatment.HasCleanTargets;
        _augmentation = new Augmentation(treatment.Augments, treatment.Seed, Shape, maySwap: !HasCleanTargets);
    }

    /// <inheritdoc/>
    public override int Count => _window.CountOf(_inputs.Count);

    /// <inheritdoc/>
    public override int Pictures => _inputs.Count;

    /// <inheritdoc/>
    internal override int CountOf(int pictures) => Math.Min(_window.CountOf(pictures), Count);

    /// <inheritdoc/>
    public override bool HasWholes => _window.HasWholes;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int picture) => _window.ShapeOf(picture);

    /// <inheritdoc/>
    public override void ReadWhole(int picture, Span<float> input, Span<float> target)
    {
        _inputs.ReadWindow(picture, 0, 0, ShapeOf(picture), input);
        _targets.ReadWindow(picture, 0, 0, ShapeOf(picture), target);
    }

    /// <inheritdoc/>
    public override ImageShape Shape => _window.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets { get; }

    /// <inheritdoc/>
    public override string ContentHash => _content.Hash;

    /// <inheritdoc/>
    public override PackedContent? Packed => _inputs.CanPack && _targets.CanPack ? _content : null;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        int image = _window.ImageOf(index);
        (int top, int left) = _window.Place(_inputs.ShapeOf(image), _isFixed ? 0 : (uint)epoch, (uint)index);
        PairTransform transform = _augmentation.At((uint)epoch, (uint)index);
        _inputs.ReadWindow(image, top, left, Shape, transform.Swap ? target : input);
        _targets.ReadWindow(image, top, left, Shape, transform.Swap ? input : target);
        transform.Apply(input, Shape);
        transform.Apply(target, Shape);
    }

    private void Pack(Stream target)
    {
        if (!_inputs.IsOneTensor || !_targets.IsOneTensor)
        {
            ImageSet.WriteLine(target, PackedFile.PairsLine);
        }

        _inputs.WriteContent(target);
        _targets.WriteContent(target);
    }
}
