using System.Buffers.Binary;
using Distributed.Coordinator.Experiments.Charts;
using Distributed.Coordinator.Pictures;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Experiments;

/// <summary>The kinds of figures that reports have.</summary>
internal static class ReproduceFigures
{
    /// <summary>A bar a row, theirs beside ours.</summary>
    public static Figure Bars(string name, string title, Metric metric, IReadOnlyList<ComparedRow> rows) => new(
        name,
        BarChart.Draw(title, metric.Title, metric.Format, [.. rows.Select(row => new Bar(
            row.Row.Label,
            metric.Over(row.Results),
            row.Row.Theirs is { } theirs ? new Spread(theirs, row.Row.TheirDeviation, 1) : null))]));

    /// <summary>The metric over what the rows vary, with a band of the deviation over repeated runs.</summary>
    public static Figure OverX(string name, string title, string xLabel, Metric metric, IReadOnlyList<ComparedRow> rows)
    {
        ChartPoint[] points =
        [
            .. rows.Select(row => (row.Row.X, Score: metric.Over(row.Results)))
                .Where(point => point.Score is not null)
                .Select(point => new ChartPoint(point.X, point.Score!.Value.Mean, point.Score.Value.Deviation)),
        ];
        return new Figure(
            name, LineChart.Draw(new Chart(title, xLabel, metric.Title, [new ChartSeries("ours", points)])));
    }

    /// <summary>Training loss by epoch, and the loss on the validation images in dashes of the same colour.</summary>
    public static Figure Losses(string name, string title, IReadOnlyList<ComparedRow> rows) => new(
        name,
        LineChart.Draw(new Chart(
            title,
            "Epoch",
            "Mean squared error",
            [
                .. rows.SelectMany((row, i) => new[]
                {
                    new ChartSeries($"{row.Row.Label}, train", SweepReport.Curve(row.Results, epoch => epoch.Loss))
                    {
                        Color = i,
                    },
                    new ChartSeries($"{row.Row.Label}, test", SweepReport.Curve(row.Results, TestLoss))
                    {
                        Color = i,
                        IsDashed = true,
                    },
                }).Where(series => series.Points.Count > 0),
            ])
        {
            IsLogY = true,
        }));

    /// <summary>Noisy, denoised and clean images of each row's first run.</summary>
    public static IReadOnlyList<Figure> Pictures(string name, string title, IReadOnlyList<ComparedRow> rows)
    {
        Picture[] pictures =
        [
            .. rows.Select(row => (row.Row.Label, Trial: row.Results.Count > 0 ? row.Results[0] : null))
                .Where(pair => pair.Trial is { Status: TrialStatus.Done })
                .Select(pair => Draw($"{pair.Label}: noisy | denoised | clean", pair.Trial!.Run)),
        ];
        return pictures.Length == 0 ? [] : [new Figure(name, PictureStrip.Draw(title, pictures))];
    }

    /// <summary>The PSNR is that of the mean squared error, with a peak of 1.</summary>
    private static double? TestLoss(TrialEpoch epoch) => epoch.Psnr is { } psnr ? Math.Pow(10, -psnr / 10) : null;

    private static Picture Draw(string caption, string run)
    {
        LoadedModel loaded = ModelLoader.FromRun(run);
        PairSource source = DataSources.OpenValidation(loaded.Configuration!.Data)!;
        Plan plan = TrainingJob.CompileFor(loaded.Model, loaded.Name, source);
        Replica replica = plan.CreateReplica();
        replica.Load(loaded.Parameters);
        byte[] png = PreviewWriter.Render(plan, replica, source);

        // The PNG's own head: width and height, big-endian, after signature and chunk header.
        int width = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16));
        int height = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20));
        return new Picture(caption, png, width, height);
    }
}
