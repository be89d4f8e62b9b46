using System.Globalization;

namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>Draws bars that lie, a name beside each, with the spread over repeated runs, as SVG.</summary>
internal static class BarChart
{
    private const int Width = 860, Left = 270, Right = 84, Top = 76, Bottom = 50, Thickness = 16, Gap = 12;
    private const int BarsMax = 60;

    /// <summary>The drawing.</summary>
    /// <param name="title">Above it.</param>
    /// <param name="label">What the bars measure, with the unit.</param>
    /// <param name="format">Of the numbers at their ends.</param>
    /// <param name="bars">From above to below; the first 60 are shown.</param>
    public static string Draw(string title, string label, string format, IReadOnlyList<Bar> bars)
    {
        Bar[] shown = [.. bars.Take(BarsMax)];
        bool areTwo = shown.Any(bar => bar.Theirs is not null);
        int row = (areTwo ? 2 * Thickness : Thickness) + Gap;
        int height = Top + (shown.Length * row) + Bottom;
        double[] ends = [.. shown.SelectMany(bar => new[] { bar.Ours, bar.Theirs }).OfType<Spread>()
            .SelectMany(spread => new[] { spread.Mean - spread.Deviation, spread.Mean + spread.Deviation })
            .Where(double.IsFinite)];
        Axis axis = Axis.Create(WithBase(ends), isLog: false, Left, Width - Right, isTight: false);
        SvgText svg = new(Width, height, title);
        svg.Text(16, 28, title, more: " class=\"title\"");
        string[] remarks =
        [
            .. areTwo ? ["upper bar: ours, lower bar: theirs"] : Array.Empty<string>(),
            .. axis.Ticks[0] > 0 ? ["the axis does not begin at 0"] : Array.Empty<string>(),
        ];
        svg.Text(16, 50, string.Join("; ", remarks));

        foreach (double tick in axis.Ticks)
        {
            svg.Line($"<path class=\"grid\" d=\"M{SvgText.Number(axis.Place(tick))} {Top - 8}V{height - Bottom}\"/>");
            svg.Text(axis.Place(tick), height - Bottom + 18, Axis.Label(tick), "middle");
        }

        svg.Text((Left + Width - Right) / 2.0, height - 10, label, "middle", " class=\"strong\"");
        for (int i = 0; i < shown.Length; i++)
        {
            int top = Top + (i * row);
            string name = shown[i].Name.Length <= 38 ? shown[i].Name : shown[i].Name[..36] + "..";
            svg.Text(Left - 10, top + (areTwo ? Thickness + 4 : 13), name, "end", " class=\"strong\"");
            DrawBar(svg, shown[i].Ours, SvgText.Color(0), top, axis, format);
            DrawBar(svg, shown[i].Theirs, SvgText.Color(1), top + Thickness, axis, format);
        }

        return svg.End();
    }

    /// <summary>Bars begin at 0 unless all are far from it: then the differences are what counts.</summary>
    private static IEnumerable<double> WithBase(double[] ends)
    {
        if (ends.Length == 0)
        {
            return [0, 1];
        }

        (double min, double max) = (ends.Min(), ends.Max());
        bool isFar = min > 0 && max - min < min / 2;
        return isFar ? [.. ends, Math.Max(0, min - Math.Max(max - min, max * 0.01))] : [.. ends, 0];
    }

    private static void DrawBar(SvgText svg, Spread? spread, string color, int top, Axis axis, string format)
    {
        if (spread is not { } value || !double.IsFinite(value.Mean))
        {
            return;
        }

        double start = axis.Place(Math.Max(axis.Ticks[0], 0));
        double end = axis.Place(value.Mean);
        svg.Line($"<rect style=\"fill:{color}\" x=\"{SvgText.Number(Math.Min(start, end))}\" y=\"{top}\" ",
            $"width=\"{SvgText.Number(Math.Abs(end - start))}\" height=\"{Thickness - 2}\"/>");
        if (value.Deviation > 0)
        {
            string low = SvgText.Number(axis.Place(value.Mean - value.Deviation));
            string high = SvgText.Number(axis.Place(value.Mean + value.Deviation));
            int middle = top + (Thickness / 2) - 1;
            svg.Line($"<path class=\"whisker\" d=\"M{low} {middle}H{high}",
                $"M{low} {middle - 4}v8M{high} {middle - 4}v8\"/>");
        }

        double after = axis.Place(value.Mean + value.Deviation) + 6;
        svg.Text(after, top + 12, value.Mean.ToString(format, CultureInfo.InvariantCulture), more: " class=\"strong\"");
    }
}
