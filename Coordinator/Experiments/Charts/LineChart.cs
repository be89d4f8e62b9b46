namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>Draws curves with axes, error bands and a legend, as SVG.</summary>
internal static class LineChart
{
    private const int Width = 860, Height = 480, Left = 78, Top = 48, Bottom = 58, LegendWidth = 210;
    private const int LegendMax = 20;
    private const int LegendLine = 19;
    private const int DotsMax = 60;

    /// <summary>The drawing.</summary>
    public static string Draw(Chart chart)
    {
        ChartSeries[] series = [.. chart.Series.Select(one => one with { Points = [.. one.Points.Where(IsShown)] })];
        bool hasLegend = series.Length > 1;
        double right = Width - (hasLegend ? LegendWidth : 24);
        IEnumerable<ChartPoint> points = series.SelectMany(one => one.Points);
        Axis x = Axis.Create(points.Select(point => point.X), chart.IsLogX, Left, right, isTight: true);
        Axis y = Axis.Create(
            points.SelectMany(point => Ends(point, chart.IsLogY)).Concat(chart.References.Select(line => line.Y)),
            chart.IsLogY,
            Height - Bottom,
            Top,
            isTight: false);
        SvgText svg = new(Width, Height, chart.Title);
        svg.Text(Left, 28, chart.Title, more: " class=\"title\"");
        DrawAxes(svg, chart, x, y, right);
        for (int i = 0; i < series.Length; i++)
        {
            DrawSeries(svg, series[i], SvgText.Color(series[i].Color ?? i), x, y, chart.IsLogY);
        }

        foreach (ReferenceLine line in chart.References)
        {
            svg.Line($"<path class=\"reference\" d=\"M{Left} {SvgText.Number(y.Place(line.Y))}",
                $"H{SvgText.Number(right)}\"/>");
            svg.Text(right - 4, y.Place(line.Y) - 5, line.Name, "end", " class=\"strong\"");
        }

        if (hasLegend)
        {
            DrawLegend(svg, series, right + 18);
        }

        return svg.End();

        bool IsShown(ChartPoint point) => double.IsFinite(point.X) && double.IsFinite(point.Y)
            && (!chart.IsLogX || point.X > 0) && (!chart.IsLogY || point.Y > 0);
    }

    private static IEnumerable<double> Ends(ChartPoint point, bool isLog)
    {
        yield return point.Y;
        yield return point.Y + point.Spread;
        if (!isLog || point.Y > point.Spread)
        {
            yield return point.Y - point.Spread;
        }
    }

    private static void DrawAxes(SvgText svg, Chart chart, Axis x, Axis y, double right)
    {
        foreach (double tick in y.Ticks)
        {
            string place = SvgText.Number(y.Place(tick));
            svg.Line($"<path class=\"grid\" d=\"M{Left} {place}H{SvgText.Number(right)}\"/>");
            svg.Text(Left - 8, y.Place(tick) + 4, Axis.Label(tick), "end");
        }

        svg.Line($"<path class=\"axis\" d=\"M{Left} {Height - Bottom}H{SvgText.Number(right)}\"/>");
        foreach (double tick in x.Ticks)
        {
            svg.Line($"<path class=\"axis\" d=\"M{SvgText.Number(x.Place(tick))} {Height - Bottom}v5\"/>");
            svg.Text(x.Place(tick), Height - Bottom + 20, Axis.Label(tick), "middle");
        }

        svg.Text((Left + right) / 2, Height - 14, chart.XLabel, "middle", " class=\"strong\"");
        double middle = (Top + Height - Bottom) / 2.0;
        string turned = $" class=\"strong\" transform=\"rotate(-90 20 {SvgText.Number(middle)})\"";
        svg.Text(20, middle, chart.YLabel, "middle", turned);
    }

    private static void DrawSeries(SvgText svg, ChartSeries series, string color, Axis x, Axis y, bool isLog)
    {
        IReadOnlyList<ChartPoint> points = series.Points;
        if (points.Count == 0)
        {
            return;
        }

        if (points.Any(point => point.Spread > 0))
        {
            IEnumerable<string> above = points.Select(point => Place(point.X, point.Y + point.Spread));
            IEnumerable<string> below = points.Reverse().Select(point => Place(
                point.X, isLog && point.Spread >= point.Y ? point.Y : point.Y - point.Spread));
            svg.Line($"<polygon class=\"band\" style=\"fill:{color}\" ",
                $"points=\"{string.Join(' ', above.Concat(below))}\"/>");
        }

        string dashes = series.IsDashed ? ";stroke-dasharray:6 4" : "";
        svg.Line($"<polyline class=\"curve\" style=\"stroke:{color}{dashes}\" ",
            $"points=\"{string.Join(' ', points.Select(point => Place(point.X, point.Y)))}\"/>");
        foreach (ChartPoint point in points.Count <= DotsMax && !series.IsDashed ? points : [])
        {
            svg.Line($"<circle style=\"fill:{color}\" cx=\"{SvgText.Number(x.Place(point.X))}\" ",
                $"cy=\"{SvgText.Number(y.Place(point.Y))}\" r=\"2.6\"/>");
        }

        string Place(double across, double up) =>
            $"{SvgText.Number(x.Place(across))},{SvgText.Number(y.Place(up))}";
    }

    private static void DrawLegend(SvgText svg, ChartSeries[] series, double left)
    {
        int shown = series.Length > LegendMax ? LegendMax - 1 : series.Length;
        for (int i = 0; i < shown; i++)
        {
            double line = Top + 12 + (i * LegendLine);
            string dashes = series[i].IsDashed ? ";stroke-dasharray:6 4" : "";
            svg.Line($"<path class=\"curve\" style=\"stroke:{SvgText.Color(series[i].Color ?? i)}{dashes}\" ",
                $"d=\"M{SvgText.Number(left)} {SvgText.Number(line - 4)}h22\"/>");
            svg.Text(left + 28, line, Short(series[i].Name), more: " class=\"strong\"");
        }

        if (shown < series.Length)
        {
            svg.Text(left, Top + 12 + (shown * LegendLine), $"and {series.Length - shown} more");
        }
    }

    private static string Short(string name) => name.Length <= 24 ? name : name[..22] + "..";
}
