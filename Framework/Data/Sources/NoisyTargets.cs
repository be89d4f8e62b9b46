using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs whose targets are said to be as noisy as their inputs, so that PSNR has to be estimated.</summary>
public sealed class NoisyTargets : PairSource
{
    private readonly PairSource _source;

    /// <param name="source">Where the pairs come from.</param>
    public NoisyTargets(PairSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        Description = source.Description;
    }

    /// <inheritdoc/>
    public override int Count => _source.Count;

    /// <inheritdoc/>
    public override int Pictures => _source.Pictures;

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
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => _source.ContentHash;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target) =>
        _source.Read(index, epoch, input, target);

    /// <inheritdoc/>
    public override bool MasksTargets => _source.MasksTargets;

    /// <inheritdoc/>
    public override void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target) =>
        _source.MaskTarget(index, epoch, prediction, target);
}
