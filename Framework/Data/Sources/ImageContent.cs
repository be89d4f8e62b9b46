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

    /// <summary>Whether pairs are frames of stacks.</summary>
    public bool AreFrames { get; init; }

    /// <summary>The class of each image of one tensor; null if there are none.</summary>
    public byte[]? Labels { get; init; }

    /// <summary>All classes are below it; 0 without labels.</summary>
    public int ClassCount { get; init; }
}
