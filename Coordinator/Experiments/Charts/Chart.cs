namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>A point of a curve, or a bar.</summary>
/// <param name="X">Across.</param>
/// <param name="Y">Upwards.</param>
/// <param name="Spread">Half the height of its error band or bar, in the unit of Y; 0 for none.</param>
internal readonly record struct ChartPoint(double X, double Y, double Spread = 0);

/// <summary>A curve.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Points">From left to right; those that are not finite are left out.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<ChartPoint> Points)
{
    /// <summary>Whether to draw it in dashes: theirs beside ours, or training beside test.</summary>
    public bool IsDashed { get; init; }

    /// <summary>Number of its colour; null for its place among the series.</summary>
    public int? Color { get; init; }
}

/// <summary>A line across the chart that results are compared with.</summary>
/// <param name="Name">Written on it.</param>
/// <param name="Y">Its height.</param>
internal sealed record ReferenceLine(string Name, double Y);

/// <summary>What a line chart shows.</summary>
/// <param name="Title">Above it.</param>
/// <param name="XLabel">Below it, with the unit.</param>
/// <param name="YLabel">Beside it, with the unit.</param>
/// <param name="Series">The curves.</param>
internal sealed record Chart(string Title, string XLabel, string YLabel, IReadOnlyList<ChartSeries> Series)
{
    /// <summary>Whether X is on a logarithmic scale; points at 0 or below are left out.</summary>
    public bool IsLogX { get; init; }

    /// <summary>Whether Y is on a logarithmic scale; points at 0 or below are left out.</summary>
    public bool IsLogY { get; init; }

    /// <summary>Lines to compare with.</summary>
    public IReadOnlyList<ReferenceLine> References { get; init; } = [];
}

/// <summary>One bar, or two beside each other.</summary>
/// <param name="Name">Below it.</param>
/// <param name="Ours">Height and spread; null for none.</param>
/// <param name="Theirs">The same of whom it is compared with; null for nobody.</param>
internal sealed record Bar(string Name, Spread? Ours, Spread? Theirs = null);
