using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>The first pairs of another source (<c>--limit N</c>).</summary>
/// <remarks>Its content hash is the whole source's: the limit is configuration.</remarks>
public sealed class LimitedSource : PairSource
{
    private readonly PairSource _source;
    private readonly int _pictures;

    /// <param name="source">Where the pairs come from.</param>
    /// <param name="limit">At least 1; more than there are means all.</param>
    /// <exception cref="ConfigurationException">The limit is below 1.</exception>
    public LimitedSource(PairSource source, int limit)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (limit < 1)
        {
            throw new ConfigurationException($"--limit {limit} leaves no pair.", "Give a number of 1 or more.");
        }

        _source = source;
        Count = source.CountOf(limit);
        _pictures = Math.Min(limit, source.Pictures);
        Content = source.Content;
        Description = source.Description;
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override int Pictures => _pictures;

    /// <inheritdoc/>
    internal override int CountOf(int pictures) => _source.CountOf(Math.Min(pictures, _pictures));

    /// <inheritdoc/>
    public override bool HasWholes => _source.HasWholes;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int picture) => _source.ShapeOf(picture);

    /// <inheritdoc/>
    public override void ReadWhole(int picture, Span<float> input, Span<float> target) =>
        _source.ReadWhole(picture, input, target);

    /// <inheritdoc/>
    public override ImageShape Shape => _source.Shape;

    /// <inheritdoc/>
    public override ImageShape TargetShape => _source.TargetShape;

    /// <inheritdoc/>
    public override int ClassCount => _source.ClassCount;

    /// <inheritdoc/>
    public override bool HasCleanTargets => _source.HasCleanTargets;

    /// <inheritdoc/>
    public override string ContentHash => _source.ContentHash;

    /// <inheritdoc/>
    public override PackedContent? Packed => _source.Packed;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        _source.Read(index, epoch, input, target);
    }

    /// <inheritdoc/>
    public override ImageShape? WindowShape => _source.WindowShape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int epoch, Span<float> window) =>
        _source.ReadWindow(index, epoch, window);

    /// <inheritdoc/>
    public override void Split(
        int index, int epoch, ReadOnlySpan<float> window, Span<float> first, Span<float> second) =>
        _source.Split(index, epoch, window, first, second);

    /// <inheritdoc/>
    public override float? SigmaOf(int index, int epoch) => _source.SigmaOf(index, epoch);

    /// <inheritdoc/>
    public override bool MasksTargets => _source.MasksTargets;

    /// <inheritdoc/>
    public override void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target) =>
        _source.MaskTarget(index, epoch, prediction, target);
}
