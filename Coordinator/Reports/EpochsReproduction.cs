using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Experiments.Charts;

namespace Distributed.Coordinator.Reports;

/// <summary>
/// Seed 003, figure 4: PSNR after 1 to 15 epochs. The learning rate is constant, so that one run of 15 epochs passes
/// through the ends of all shorter ones.
/// </summary>
internal sealed class EpochsReproduction()
    : Reproduction("seed003-figure4", "Seed 003, figure 4", "number of epochs at batch 8")
{
    private const string Configuration = "seed003-figure4";

    /// <inheritdoc/>
    public override IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results) =>
    [
        .. RepeatedTrials.Of(
            Configuration, Report003.Arguments(size, 50_000, "n2n-initial", batch: 8, epochs: 15), size.Runs(1), true),
    ];

    /// <inheritdoc/>
    public override ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default)
    {
        IReadOnlyList<ChartPoint> psnr = SweepReport.Curve(results, epoch => epoch.Psnr);
        IReadOnlyList<ChartPoint> loss = SweepReport.Curve(results, epoch => epoch.Loss);
        Metric metric = Metric.Psnr;
        double? input = metric.InputOver(results);
        Dictionary<double, double> losses = loss.ToDictionary(point => point.X, point => point.Y);
        ResultTable table = new(
            $"{Source}: {Shows}",
            [
                new("epochs", "Epochs", "0"),
                new("ours", "Ours, PSNR (dB)", "0.00"),
                new("ourDeviation", "SD", "0.00"),
                .. Gain.Columns(metric),
                new("loss", "Training loss", "0.000000"),
                new("steps", "Steps", "0"),
                Gain.RemarkColumn,
            ],
            [
                .. psnr.Select(point =>
                {
                    Gain gain = new(point.Y, input, StepsAfter(point.X));
                    return (IReadOnlyList<object?>)
                    [
                        point.X, point.Y, point.Spread > 0 ? point.Spread : null, .. gain.Cells(metric),
                        losses[point.X], gain.Steps, gain.Remark,
                    ];
                }),
            ],
            [
                "They give a curve and no numbers; they choose 10 and say that it overfits beyond.",
                size.DataNote(Trials(size, results).Select(trial => trial.Arguments)),
                size.SizeNote,
                .. StepsAfter(1) < Gain.StepsMin ? [Gain.ShortNote] : Array.Empty<string>(),
            ]);
        string svg = LineChart.Draw(new Chart(
            "Seed 003, figure 4: epochs", "Epochs", "PSNR (dB)", [new ChartSeries("ours", psnr)]));
        return new ExperimentReport([table], [new Figure("seed003-figure4", svg)]);

        // Each epoch has equally many.
        long? StepsAfter(double epochs) =>
            results.FirstOrDefault(result => result is { Status: TrialStatus.Done, Epochs.Count: > 0 }) is { } done
                ? (long)(done.Steps * epochs / done.Epochs.Count)
                : null;
    }
}
