using System.Text;
using static System.FormattableString;

namespace Distributed.Coordinator.Runs;

/// <summary>Draws one curve over the steps as inline SVG; colours come from the page's style.</summary>
internal static class ReportChart
{
    private const int Width = 640, Height = 240, Left = 64, Right = 12, Top = 12, Bottom = 30;
    private const int PointsMax = 600;
    private const int TicksMax = 5;
    private static readonly int[] s_tickFactors = [1, 2, 5, 10];

    /// <summary>The drawing, or a sentence if there are no finite values.</summary>
    /// <param name="points">Step and value, in the order of the steps. Many are thinned to the means of runs.</param>
    /// <param name="label">What the values are, in plain ASCII text.</param>
    /// <param name="withDots">Whether every point gets a dot: for few, far apart.</param>
    public static string Draw(IEnumerable<(double Step, double Value)> points, string label, bool withDots)
    {
        List<(double Step, double Value)> finite = [.. points.Where(point => double.IsFinite(point.Value))];
        if (finite.Count == 0)
        {
            return "<p class=\"quiet\">No values were recorded.</p>";
        }

        List<(double X, double Y)> curve = Thin(finite);
        (double xMin, double xMax) = (0, Math.Max(finite[^1].Step, 1));
        double[] xTicks = Ticks(xMin, xMax);
        double[] yTicks = Ticks(curve.Min(point => point.Y), curve.Max(point => point.Y));
        (double yMin, double yMax) = (yTicks[0], yTicks[^1]);
        double X(double x) => Left + ((x - xMin) / (xMax - xMin) * (Width - Left - Right));
        double Y(double y) => Height - Bottom - ((y - yMin) / (yMax - yMin) * (Height - Top - Bottom));

        StringBuilder svg = new();
        svg.Append(Invariant($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{label} over steps\">"));
        foreach (double tick in yTicks)
        {
            svg.Append(Invariant(
                $"<path class=\"grid\" d=\"M{Left} {Y(tick):F1}H{Width - Right}\"/>"));
            svg.Append(Invariant(
                $"<text x=\"{Left - 8}\" y=\"{Y(tick) + 4:F1}\" text-anchor=\"end\">{tick:G4}</text>"));
        }

        foreach (double tick in xTicks.Where(tick => tick <= xMax))
        {
            string anchor = X(tick) > Width - Right - 20 ? "end" : "middle";
            svg.Append(Invariant(
                $"<text x=\"{X(tick):F1}\" y=\"{Height - 10}\" text-anchor=\"{anchor}\">{tick:#,0.##}</text>"));
        }

        svg.Append("<polyline points=\"");
        svg.AppendJoin(' ', curve.Select(point => Invariant($"{X(point.X):F1},{Y(point.Y):F1}")));
        svg.Append("\"/>");
        foreach ((double x, double y) in withDots || curve.Count == 1 ? curve : [])
        {
            svg.Append(Invariant($"<circle cx=\"{X(x):F1}\" cy=\"{Y(y):F1}\" r=\"3\"/>"));
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Means of equal runs of points, so that a page stays small however long the run was.</summary>
    private static List<(double X, double Y)> Thin(List<(double Step, double Value)> points)
    {
        int run = (points.Count + PointsMax - 1) / PointsMax;
        return run <= 1 ? points : [.. points.Chunk(run)
            .Select(part => (part.Average(point => point.Step), part.Average(point => point.Value)))];
    }

    /// <summary>Round numbers that reach from below the least value to above the greatest: at least two.</summary>
    private static double[] Ticks(double min, double max)
    {
        double span = max > min ? max - min : Math.Max(Math.Abs(min) * 0.1, 1e-6);
        double step = Math.Pow(10, Math.Floor(Math.Log10(span / TicksMax)));
        step *= s_tickFactors.First(factor => span / (step * factor) <= TicksMax);
        double first = Math.Floor(min / step);
        double last = Math.Max(Math.Ceiling(max / step), first + 1);
        return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
    }
}
