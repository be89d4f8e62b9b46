using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs whose targets are said to be as noisy as their inputs, so that PSNR has to be estimated.</summary>
public sealed class NoisyTargets(PairSource source) : PairSource
{
    /// <inheritdoc/>
    public override int Count => source.Count;

    /// <inheritdoc/>
    public override ImageShape Shape => source.Shape;

    /// <inheritdoc/>
    public override ImageShape TargetShape => source.TargetShape;

    /// <inheritdoc/>
    public override int ClassCount => source.ClassCount;

    /// <inheritdoc/>
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => source.ContentHash;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target) =>
        source.Read(index, epoch, input, target);

    /// <inheritdoc/>
    public override bool MasksTargets => source.MasksTargets;

    /// <inheritdoc/>
    public override void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target) =>
        source.MaskTarget(index, epoch, prediction, target);
}
