using System.Globalization;

namespace Distributed.Framework.Data;

/// <summary>What was opened: said before anything is computed with it.</summary>
/// <param name="Count">Pairs, or images.</param>
/// <param name="Shape">Of an image as stored, C x H x W; of unlike ones the smallest and the largest.</param>
/// <param name="Type">Of a stored number, as NumPy calls it.</param>
/// <param name="Lowest">Value as networks take it: after scaling.</param>
/// <param name="Highest">Value as networks take it: after scaling.</param>
/// <param name="Pairs">What makes a pair.</param>
public sealed record DataDescription(
    int Count, string Shape, string Type, double Lowest, double Highest, string Pairs)
{
    /// <summary>Which part of an image is read at a time; null for all of it.</summary>
    public string? Windows { get; init; }

    /// <summary>Whether images stay in their files, and are read as they are needed.</summary>
    public bool StaysInFiles { get; init; }

    /// <summary>What is wrong with the values' scale; null if nothing seems to be.</summary>
    public string? ScaleFault { get; init; }

    /// <summary>Stored values that would better become 0 and 1; null if nothing seems to be wrong.</summary>
    public (double Low, double High)? SuggestedRange { get; init; }

    /// <summary>Whether the values leave no doubt about the suggestion: counts, none of them below 0.</summary>
    public bool AreCounts { get; init; }

    /// <summary>One line, without the name of the source.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count} of {Shape}, {Type}, values from {Lowest:0.####} to {Highest:0.####}; {Pairs}"
        + $"{(Windows is null ? "" : $"; {Windows}")}{(StaysInFiles ? "; read from disk as needed" : "")}.");
}
