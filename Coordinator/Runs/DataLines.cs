using System.Globalization;
using System.Text.Json.Nodes;
using Distributed.Framework.Data;

namespace Distributed.Coordinator.Runs;

/// <summary>What a command says of the data that it has opened.</summary>
internal static class DataLines
{
    /// <summary>Source and description, and what is wrong with the scale; null for sources that are made.</summary>
    /// <param name="source">As the user named it.</param>
    /// <param name="pairs">What was opened.</param>
    public static string? Opened(string source, PairSource pairs) => pairs.Description is { } description
        ? $"Opened {source}: {description}{Scale(description)}"
        : null;

    /// <summary>What is wrong with the scale, with the option that mends it, after a blank; else empty.</summary>
    /// <param name="description">What was opened.</param>
    public static string Scale(DataDescription description) =>
        description is { ScaleFault: { } fault, SuggestedRange: { } range }
            ? $" Scale: {fault}; if that is not meant, add {Option(range)}."
            : "";

    /// <summary>The range that was taken since the values leave no doubt.</summary>
    public static string Taken(string source, DataDescription description, (double Low, double High) range) =>
        $"{source}: {description.ScaleFault}, and none is below it: taken as counts, as by {Option(range)}.";

    /// <summary>The option that says which stored values become 0 and 1.</summary>
    public static string Option((double Low, double High) range) =>
        string.Create(CultureInfo.InvariantCulture, $"--range {range.Low:R}:{range.High:R}");

    /// <summary>For <c>--json</c>; null for sources that are made.</summary>
    public static JsonObject? ToJson(PairSource pairs) => pairs.Description is { } description
        ? new JsonObject
        {
            ["pairs"] = description.Count,
            ["shape"] = description.Shape,
            ["type"] = description.Type,
            ["lowest"] = description.Lowest,
            ["highest"] = description.Highest,
            ["madeOf"] = description.Pairs,
            ["windows"] = description.Windows,
            ["scaleFault"] = description.ScaleFault,
        }
        : null;
}
