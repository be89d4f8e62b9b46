namespace Distributed.Framework.Data.Sources;

/// <summary>How files are read: the part of the options that decides what is in them.</summary>
/// <param name="Range">Which values become 0 and 1.</param>
/// <param name="IsValidation">Which files of a folder that has files for both.</param>
/// <param name="IsClean">Whether images are to be taken as clean, since noise was asked for.</param>
/// <param name="Pairs">Which frames of a stack are pairs, as DataOptions has it; null for the default.</param>
internal sealed record ReadRequest(ValueRange Range, bool IsValidation, bool IsClean, string? Pairs = null)
{
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
