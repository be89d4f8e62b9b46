using Distributed.Framework.Data.Storage;

namespace Distributed.Framework.Data.Sources;

/// <summary>How files are read: the part of the options that decides what is in them.</summary>
/// <param name="Range">Which values become 0 and 1.</param>
/// <param name="IsValidation">Which files of a folder that has files for both.</param>
/// <param name="IsClean">
/// Whether images are to be taken one by one, since noise was asked for, or pairs within each.
/// </param>
/// <param name="Pairs">Which frames of a stack are pairs, as DataOptions has it; null for the default.</param>
/// <param name="Limit">Images to take of those that stay in files; null for all.</param>
/// <param name="MemoryMax">Most memory that images may take before they stay in files, in bytes.</param>
internal sealed record ReadRequest(
    ValueRange Range, bool IsValidation, bool IsClean, string? Pairs = null, int? Limit = null, long MemoryMax = 0)
{
    /// <summary>For the pixels of one compressed picture; null for memory.</summary>
    public PictureScratch? Scratch { get; init; }

    /// <summary>As options have it.</summary>
    /// <param name="options">Of a run.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <param name="areOthers">Whether the images are for validation and no part of those to train with.</param>
    /// <param name="areSingle">Whether images are no pairs: they get noise, or are cut into pairs.</param>
    public static ReadRequest Of(DataOptions options, ValueRange range, bool areOthers, bool areSingle) => new(
        range,
        areOthers,
        areSingle,
        options.Pairs,
        areOthers ? null : options.Limit,
        options.MemoryBytes ?? DataMemory.StandardMax);

    /// <summary>Whether all neighbouring frames are pairs, and each frame is in two of them.</summary>
    public bool IsNext => Pairs == DataOptions.NextPairs;
}

/// <summary>What was read, and how.</summary>
/// <param name="Source">The file or folder.</param>
/// <param name="Request">How.</param>
/// <param name="Content">What is in it; shared by all sources that are made of it, and never changed.</param>
internal sealed record ReadContent(string Source, ReadRequest Request, ImageContent Content)
{
    /// <summary>Whether reading would give the same.</summary>
    public bool IsOf(string source, ReadRequest request) => Source == source
        && Request with { Range = request.Range } == request
        && Request.Range.Bounds == request.Range.Bounds;
}
