using System.Text.Json.Nodes;
using System.Xml.Linq;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Experiments.Charts;
using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>Tables say what they hold; charts are whole SVG files that show their values.</summary>
public sealed class TableAndChartTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Spread_IsTheSampleDeviation()
    {
        Spread spread = Spread.Of([2, 4, 4, 4, 5, 5, 7, 9, null])!.Value;
        Assert.Equal(5, spread.Mean);
        Assert.Equal(Math.Sqrt(32.0 / 7), spread.Deviation, precision: 12);
        Assert.Equal(8, spread.Count);
        Assert.Equal(0, Spread.Of([3])!.Value.Deviation);
        Assert.Null(Spread.Of([null]));
    }

    [Fact]
    public void History_HasWhatTheEpochsValidationMeasured()
    {
        StepMetrics step = new(1, 1, 0.5, 0.1, 1, 1, 1, 0);
        TrialEpoch epoch = Assert.Single(TrialHistory.Gather(
            [step, step with { Step = 2, Loss = 0.3, Accuracy = 0.9, ValidationLoss = 0.4, PsnrEstimated = 25 }]));
        Assert.Equal((1, 0.9, 0.4, 25), (epoch.Epoch, epoch.Accuracy, epoch.ValidationLoss, epoch.PsnrEstimated));
        Assert.Equal(0.4, epoch.Loss, precision: 12);
        Assert.Null(epoch.Psnr);
    }

    [Fact]
    public void Metric_IsTheEstimate_WhereThereIsNoPsnr()
    {
        TrialResult result = new() { Trial = new Trial("a", [], "a"), Status = TrialStatus.Done, PsnrEstimated = 25 };
        Assert.Equal(Metric.PsnrEstimated, Metric.For([result]));
        Assert.Equal(Metric.Psnr, Metric.For([result, result with { Psnr = 24 }]));
    }

    [Fact]
    public void Table_IsAlignedMarkdown_AndJsonWithNulls()
    {
        ResultTable table = new(
            "T",
            [new("name", "Name"), new("x", "X", "0.00")],
            [["a|b", 1.234], ["c", null], ["d", double.NaN]],
            ["N."]);
        Assert.Equal(
            "## T\n\n| Name |    X |\n| ---- | ---: |\n| a\\|b | 1.23 |\n| c    |    - |\n| d    |  NaN |\n\nN.\n",
            table.ToMarkdown());
        JsonNode rows = JsonNode.Parse(ResultTable.ToJson([table]))![0]!["rows"]!;
        Assert.Equal(1.234, (double)rows[0]!["x"]!);
        Assert.Equal("a|b", (string)rows[0]!["name"]!);
        Assert.Null(rows[1]!["x"]);
        Assert.Null(rows[2]!["x"]);
    }

    [Theory]
    [InlineData(0, 1, false, "0 0.2 0.4 0.6 0.8 1")]
    [InlineData(19.31, 23.69, false, "19 20 21 22 23 24")]
    [InlineData(5, 5, false, "5")]
    [InlineData(0.001, 10, true, "0.001 0.01 0.1 1 10")]
    [InlineData(0.01, 0.5, true, "0.01 0.02 0.05 0.1 0.2 0.5")]
    public void Axis_HasRoundTicks_ThatHoldTheValues(double min, double max, bool isLog, string expected)
    {
        Axis axis = Axis.Create([max, min], isLog, 100, 200, isTight: false);
        string ticks = string.Join(' ', axis.Ticks.Select(Axis.Label));
        Assert.Contains(expected, ticks, StringComparison.Ordinal);
        Assert.InRange(axis.Place(min), 100, 200);
        Assert.InRange(axis.Place(max), axis.Place(min), 200);
    }

    [Fact]
    public void Axis_Logarithmic_DecadesAreEquallyWide()
    {
        Axis axis = Axis.Create([0.01, 100], isLog: true, 0, 400, isTight: true);
        double[] values = [0.01, 0.1, 1, 10, 100];
        Assert.Equal([0, 100, 200, 300, 400], values.Select(x => Math.Round(axis.Place(x), 6)));
    }

    /// <summary>Goal: a file that any viewer takes. Method: parse it, count its parts, look for foreign ones.</summary>
    [Fact]
    public void LineChart_IsWholeSvg_TheSameEachTime()
    {
        Chart chart = new(
            "<Loss> & more",
            "Epoch",
            "Loss",
            [
                new("a", [new(1, 0.5, 0.1), new(2, 0.25, 0.3), new(3, double.NaN)]),
                new("b", [new(1, 0.4), new(2, -1), new(3, 0.1)]) { IsDashed = true },
                new("empty", []),
            ])
        {
            IsLogY = true,
            References = [new("theirs", 0.2)],
        };
        string text = LineChart.Draw(chart);
        Assert.Equal(text, LineChart.Draw(chart));
        XElement svg = XDocument.Parse(text).Root!;
        Assert.Equal("<Loss> & more", svg.Element(s_svg + "title")!.Value);
        XElement[] curves = [.. svg.Elements(s_svg + "polyline")];
        Assert.Equal([2, 2], curves.Select(curve => curve.Attribute("points")!.Value.Split(' ').Length));
        Assert.Single(svg.Elements(s_svg + "polygon"));
        Assert.Contains(svg.Elements(s_svg + "text"), element => element.Value == "theirs");
        CheckClosed(svg, text);
    }

    [Fact]
    public void LineChart_WithoutValues_IsStillAFile() =>
        CheckClosed(XDocument.Parse(LineChart.Draw(new Chart("t", "x", "y", []))).Root!, "");

    [Fact]
    public void BarChart_HasABarForEachOfOursAndTheirs()
    {
        string text = BarChart.Draw(
            "t",
            "PSNR",
            "0.0",
            [new("a", new(20, 1, 3), new Spread(21, 0, 1)), new("b", null, new Spread(double.NaN, 0, 1))]);
        XElement svg = XDocument.Parse(text).Root!;
        XElement[] bars = [.. svg.Elements(s_svg + "rect").Skip(1)];
        Assert.Equal(2, bars.Length);
        Assert.True((double)bars[0].Attribute("width")! < (double)bars[1].Attribute("width")!);
        Assert.Single(svg.Elements(s_svg + "path"), path => (string?)path.Attribute("class") == "whisker");
        CheckClosed(svg, text);
    }

    [Fact]
    public void PictureStrip_HoldsThePictures()
    {
        byte[] png = [1, 2, 3];
        string text = PictureStrip.Draw("t", [new("left", png, 30, 20), new("right", png, 40, 50)]);
        XElement svg = XDocument.Parse(text).Root!;
        Assert.All(svg.Elements(s_svg + "image"), image =>
            Assert.Equal("data:image/png;base64,AQID", image.Attribute("href")!.Value));
        Assert.Equal(2, svg.Elements(s_svg + "image").Count());
    }

    private static void CheckClosed(XElement svg, string text)
    {
        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Empty(svg.Descendants(s_svg + "script"));
        Assert.DoesNotContain("NaN", text.Replace("&", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("\r", text, StringComparison.Ordinal);
    }
}
