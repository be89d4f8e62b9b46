namespace Distributed.Framework.Kernels;

/// <summary>
/// Register tiles of a weight gradient, one below the other: a window of pixels in two images; steps in bytes.
/// </summary>
internal readonly unsafe struct PixelTile
{
    /// <summary>Row 0 of the first tile at the first pixel; rows are consecutive floats.</summary>
    public required byte* A { get; init; }

    public required nint APixel { get; init; }

    public required nint ALine { get; init; }

    /// <summary>The first column's vector at the first pixel; the second column's follows it.</summary>
    public required byte* B { get; init; }

    public required nint BPixel { get; init; }

    public required nint BLine { get; init; }

    /// <summary>Pixels a line, at least 1.</summary>
    public required int W { get; init; }

    /// <summary>Lines.</summary>
    public required int H { get; init; }

    /// <summary>Row 0 of the first tile's sums, 16 floats a row.</summary>
    public required byte* C { get; init; }

    /// <summary>From the first column's sums to the second's.</summary>
    public required nint CColumn { get; init; }

    /// <summary>Whether what C holds is asked for before it is needed.</summary>
    public required bool Prefetches { get; init; }

    /// <summary>Whether the sums go on from what C holds, instead of being added to it at the end.</summary>
    public bool Continues { get; init; }

    /// <summary>Whether what C holds counts as zero.</summary>
    public bool Overwrites { get; init; }
}
