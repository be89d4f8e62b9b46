using Distributed.Coordinator.Experiments.Charts;

namespace Distributed.Coordinator.Experiments;

/// <summary>What a sweep ends with: the points of the grid from best to worst, and their curves.</summary>
internal static class SweepReport
{
    private const int CurvesMax = 20;

    /// <summary>Options of train that change what a loss is a loss of.</summary>
    private static readonly string[] s_meanings =
        ["--loss", "--reduction", "--data", "--noise", "--targets", "--range", "--crop"];

    /// <summary>Makes it.</summary>
    /// <param name="axes">The options that vary.</param>
    /// <param name="results">Of all trials, in the order of the grid.</param>
    public static ExperimentReport Create(IReadOnlyList<GridAxis> axes, IReadOnlyList<TrialResult> results)
    {
        Metric metric = Metric.For(results);
        List<(string Name, TrialResult[] Trials, Spread? Score)> points =
        [
            .. results.GroupBy(result => result.Trial.Configuration).Select(trials =>
                (trials.Key, trials.ToArray(), metric.Over(trials))),
        ];
        double Rank(Spread? score) => score is not { } value ? double.MaxValue
            : metric.IsHigherBetter ? -value.Mean : value.Mean;
        points = [.. points.GroupBy(point => KindOf(axes, metric, point.Trials))
            .SelectMany(kind => kind.OrderBy(point => Rank(point.Score)))];
        return new ExperimentReport(
            [CreateTable(axes, points, metric)],
            [
                new Figure(
                    "loss", Curves(points, "Training loss by epoch", "Training loss", epoch => epoch.Loss, true)),
                .. Validation(points),
                new Figure("metric", BarChart.Draw(
                    $"{metric.Title}: mean and standard deviation",
                    metric.Title,
                    metric.Format,
                    [.. points.Select(point => new Bar(point.Name, point.Score))])),
            ]);
    }

    /// <summary>What points have in common whose figures can be compared: all, unless they are losses of different
    /// kinds.</summary>
    private static string KindOf(IReadOnlyList<GridAxis> axes, Metric metric, TrialResult[] trials) =>
        metric != Metric.Loss
            ? ""
            : string.Join(' ', axes.Where(axis => s_meanings.Contains(axis.Option))
                .Select(axis => axis.ValueIn(trials[0].Trial.Arguments)));

    /// <summary>The mean over the repeats of one point, epoch by epoch.</summary>
    public static IReadOnlyList<ChartPoint> Curve(IEnumerable<TrialResult> trials, Func<TrialEpoch, double?> value) =>
    [
        .. trials.SelectMany(trial => trial.Epochs).GroupBy(epoch => epoch.Epoch).OrderBy(epoch => epoch.Key)
            .Select(epoch => (epoch.Key, Spread: Spread.Of(epoch.Select(value))))
            .Where(point => point.Spread is not null)
            .Select(point => new ChartPoint(point.Key, point.Spread!.Value.Mean, point.Spread.Value.Deviation)),
    ];

    private static ResultTable CreateTable(
        IReadOnlyList<GridAxis> axes,
        IReadOnlyList<(string Name, TrialResult[] Trials, Spread? Score)> points,
        Metric metric)
    {
        List<Column> columns =
        [
            .. axes.Select(axis => new Column(axis.Option[2..], axis.Option[2..])),
            new(metric.Key, metric.Title, metric.Format),
            new("deviation", "SD", metric.Format),
            .. Gain.Columns(metric),
        ];
        if (metric != Metric.Loss)
        {
            columns.Add(new(Metric.Loss.Key, Metric.Loss.Title, Metric.Loss.Format));
        }

        columns.AddRange([new("runs", "Runs", "0"), new("seconds", "Seconds a run", "0.0"), new("state", "State")]);
        columns.Add(Gain.RemarkColumn);
        List<IReadOnlyList<object?>> rows = [];
        foreach ((_, TrialResult[] trials, Spread? score) in points)
        {
            List<object?> row = [.. axes.Select(axis => (object?)axis.ValueIn(trials[0].Trial.Arguments))];
            Gain gain = Gain.Of(metric, trials) with { Steps = null }; // As many as the user asked for.
            row.AddRange([score?.Mean, score?.Deviation, .. gain.Cells(metric)]);
            if (metric != Metric.Loss)
            {
                row.Add(Metric.Loss.Over(trials)?.Mean);
            }

            row.AddRange([score?.Count ?? 0, trials.Average(trial => trial.Seconds), State(trials), gain.Remark]);
            rows.Add(row);
        }

        return new ResultTable(
            $"Sweep over {string.Join(", ", axes.Select(axis => axis.Option[2..]))}",
            columns,
            rows,
            [
                $"Sorted by {metric.Title}, the best first; mean and standard deviation over the runs that are done.",
                .. points.Select(point => KindOf(axes, metric, point.Trials)).Distinct().Count() > 1
                    ? ["Losses of different kinds cannot be compared: each kind is sorted by itself."]
                    : Array.Empty<string>(),
            ]);
    }

    private static string State(TrialResult[] trials)
    {
        TrialResult[] open = [.. trials.Where(trial => trial.Status != TrialStatus.Done)];
        return open.Length == 0 ? "done"
            : string.Join("; ", open.GroupBy(trial => trial.Status)
                .Select(same => $"{same.Count()} {same.Key.ToString().ToLowerInvariant()}"));
    }

    private static IEnumerable<Figure> Validation(
        IReadOnlyList<(string Name, TrialResult[] Trials, Spread? Score)> points)
    {
        TrialEpoch[] epochs = [.. points.SelectMany(point => point.Trials).SelectMany(trial => trial.Epochs)];
        if (epochs.Any(epoch => epoch.Accuracy is not null))
        {
            yield return new Figure("accuracy", Curves(
                points, "Validation accuracy by epoch", "Accuracy (%)", epoch => epoch.Accuracy * 100, false));
        }
        else if (epochs.Any(epoch => epoch.Psnr is not null))
        {
            yield return new Figure("psnr", Curves(
                points, "Validation PSNR by epoch", "PSNR (dB)", epoch => epoch.Psnr, false));
        }
        else if (epochs.Any(epoch => epoch.PsnrEstimated is not null))
        {
            yield return new Figure("psnr", Curves(
                points,
                "Validation PSNR by epoch, estimated from noisy pairs",
                "PSNR, estimated (dB)",
                epoch => epoch.PsnrEstimated,
                false));
        }
    }

    private static string Curves(
        IReadOnlyList<(string Name, TrialResult[] Trials, Spread? Score)> points,
        string title,
        string label,
        Func<TrialEpoch, double?> value,
        bool isLog) => LineChart.Draw(new Chart(
            points.Count > CurvesMax ? $"{title}: the {CurvesMax} best" : title,
            "Epoch",
            label,
            [.. points.Take(CurvesMax).Select(point => new ChartSeries(point.Name, Curve(point.Trials, value)))])
        {
            IsLogY = isLog,
        });
}
