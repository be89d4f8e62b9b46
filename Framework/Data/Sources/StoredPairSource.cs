using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs that are stored as such: image i of one set with image i of the other.</summary>
/// <remarks>A window, if any, is the same in both; another one in each epoch for training, fixed for
/// validation.</remarks>
public sealed class StoredPairSource : PairSource
{
    private readonly ImageSet _inputs;
    private readonly ImageSet _targets;
    private readonly CropWindow _window;
    private readonly bool _isFixed;
    private string? _contentHash;

    /// <param name="inputs">Noisy images.</param>
    /// <param name="targets">As many images of the same shapes, noisy or clean.</param>
    /// <param name="crop">Side of the window; null for the default.</param>
    /// <param name="seed">Decides the windows.</param>
    /// <param name="isValidation">Targets are clean, and windows stay where they are.</param>
    /// <exception cref="DataException">Counts or shapes differ.</exception>
    public StoredPairSource(ImageSet inputs, ImageSet targets, int? crop, uint seed, bool isValidation)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
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
        _window = new CropWindow(inputs, crop, shrink: 1, seed, isValidation);
        _isFixed = isValidation;
        HasCleanTargets = isValidation;
    }

    /// <inheritdoc/>
    public override int Count => _inputs.Count;

    /// <inheritdoc/>
    public override ImageShape Shape => _window.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets { get; }

    /// <inheritdoc/>
    public override string ContentHash
    {
        get
        {
            if (_contentHash is null)
            {
                _contentHash = ContentStream.Hash(Pack);
            }

            return _contentHash;
        }
    }

    /// <inheritdoc/>
    public override bool CanPack => _inputs.CanPack && _targets.CanPack;

    /// <inheritdoc/>
    public override void Pack(Stream target)
    {
        _inputs.WriteContent(target);
        _targets.WriteContent(target);
    }

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        (int top, int left) = _window.Place(_inputs.ShapeOf(index), _isFixed ? 0 : (uint)epoch, (uint)index);
        _inputs.ReadWindow(index, top, left, Shape, input);
        _targets.ReadWindow(index, top, left, Shape, target);
    }
}
