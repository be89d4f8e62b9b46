using Distributed.Framework.Data.Tiff;

namespace Distributed.Framework.Data.Sources;

/// <summary>What a file or folder holds: images, pairs of images, or images with classes.</summary>
/// <param name="Images">One tensor, or pictures; the inputs of pairs.</param>
internal sealed record ImageContent(IReadOnlyList<ImageBlock> Images)
{
    /// <summary>The other side of pairs, as many in the same order; null if there is none.</summary>
    public IReadOnlyList<ImageBlock>? Targets { get; init; }

    /// <summary>What makes a pair, for people; null if that is clear.</summary>
    public string? Pairing { get; init; }

    /// <summary>What a file says of the axes of its planes; null if nothing, or of several files.</summary>
    public StackAxes? Axes { get; init; }

    /// <summary>What a file says of lengths and brightness; null if nothing, or of several files.</summary>
    public TiffNotes? Notes { get; init; }

    /// <summary>Whether an array has the channels of a pixel together.</summary>
    public bool ChannelsAreLast { get; init; }

    /// <summary>Whether it is an array [N, H, W], whose first or last axis may as well be channels.</summary>
    public bool IsPlainArray { get; init; }

    /// <summary>Whether pairs are frames of stacks.</summary>
    public bool AreFrames { get; init; }

    /// <summary>The class of each image of one tensor; null if there are none.</summary>
    public byte[]? Labels { get; init; }

    /// <summary>All classes are below it; 0 without labels.</summary>
    public int ClassCount { get; init; }

    /// <summary>Whether some images stay in their files until they are asked for.</summary>
    public bool StaysInFiles => Images.Any(block => block.File is not null)
        || Targets?.Any(block => block.File is not null) == true;

    /// <summary>
    /// The first images alone, if some stay in files: then nothing looks at others. What is in memory stays whole.
    /// </summary>
    /// <param name="limit">How many; null for all.</param>
    public ImageContent LimitedTo(int? limit) => limit is >= 1 and var count && StaysInFiles
        ? this with { Images = First(Images, count), Targets = Targets is null ? null : First(Targets, count) }
        : this;

    private static ImageBlock[] First(IReadOnlyList<ImageBlock> blocks, int count) =>
        blocks is [{ Count: not null } tensor]
            ? [tensor.First(count)]
            : [.. blocks.Take(count)];
}
