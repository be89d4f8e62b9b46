using System.Globalization;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Says what is in files that were read.</summary>
internal static class SourceDescriber
{
    /// <summary>Looks at every value once.</summary>
    /// <param name="content">What was read.</param>
    /// <param name="pairs">What became of it; null for images that are looked at as a whole.</param>
    /// <param name="range">What became 0 and 1.</param>
    /// <param name="noise">The noise model for clean images; null for none.</param>
    public static DataDescription Describe(ImageContent content, PairSource? pairs, ValueRange range, string? noise)
    {
        ImageBlock[] blocks = [.. content.Images, .. content.Targets ?? []];
        (float Low, float High)[] stored = [.. blocks.Distinct().Select(block => block.FindStored())];
        (float low, float high) = (stored.Min(extent => extent.Low), stored.Max(extent => extent.High));
        ImageBlock first = blocks[0];
        Span<float> ends = [low, high];
        range.Apply(ends, first.TypeMaximum);
        DataDescription description = new(
            content.Images.Sum(block => block.Images),
            ShapeOf(content.Images),
            string.Join(" and ", blocks.Select(block => block.Type).Distinct()),
            ends[0],
            ends[1],
            pairs is NeighborSource ? "single noisy images: pairs are neighbouring pixels" : PairsOf(content, noise))
        {
            Windows = pairs is null ? null : WindowsOf(content.Images, pairs, noise),
            StaysInFiles = content.StaysInFiles,
        };
        return ScaleCheck.Add(description, (low, high), first.TypeMaximum, range.IsGiven, content.Notes?.Shown);
    }

    private static string PairsOf(ImageContent content, string? noise) => content switch
    {
        { Targets: not null } => content.Pairing ?? "pairs as stored",
        { Labels: not null } when noise is null => string.Create(
            CultureInfo.InvariantCulture, $"images of {content.ClassCount} classes"),
        _ when noise is null => "images",
        _ => $"clean images, made noisy by {noise}",
    };

    private static string ShapeOf(IReadOnlyList<ImageBlock> blocks)
    {
        ImageShape[] shapes =
        [
            .. blocks.Select(block => block.Shape).Distinct().OrderBy(shape => (long)shape.H * shape.W),
        ];
        return shapes.Length == 1 ? Text(shapes[0]) : $"{Text(shapes[0])} to {Text(shapes[^1])}";
    }

    private static string Text(ImageShape shape) => string.Create(
        CultureInfo.InvariantCulture, $"{shape.C} x {shape.H} x {shape.W}");

    private static string? WindowsOf(IReadOnlyList<ImageBlock> blocks, PairSource pairs, string? noise)
    {
        ImageShape window = pairs.WindowShape ?? pairs.Shape;
        if (blocks.All(block => block.Shape.H == window.H && block.Shape.W == window.W)
            || noise?.StartsWith("resample", StringComparison.Ordinal) == true)
        {
            return null;
        }

        string count = pairs.Count == pairs.Pictures
            ? "one of each"
            : pairs.Count.ToString(CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"windows of {window.H} x {window.W}, {count} a pass");
    }
}
