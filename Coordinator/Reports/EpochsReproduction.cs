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
    public override ExperimentReport Report(ReproduceSize size, IReadOnlyList<TrialResult> results)
    {
        IReadOnlyList<ChartPoint> psnr = SweepReport.Curve(results, epoch => epoch.Psnr);
        IReadOnlyList<ChartPoint> loss = SweepReport.Curve(results, epoch => epoch.Loss);
        Dictionary<double, double> losses = loss.ToDictionary(point => point.X, point => point.Y);
        ResultTable table = new(
            $"{Source}: {Shows}",
            [
                new("epochs", "Epochs", "0"),
                new("ours", "Ours, PSNR (dB)", "0.00"),
                new("ourDeviation", "SD", "0.00"),
                new("loss", "Training loss", "0.000000"),
            ],
            [
                .. psnr.Select(point => (IReadOnlyList<object?>)
                    [point.X, point.Y, point.Spread > 0 ? point.Spread : null, losses[point.X]]),
            ],
            [
                "They give a curve and no numbers; they choose 10 and say that it overfits beyond.",
                size.DataNote(Trials(size, results).Select(trial => trial.Arguments)),
                size.SizeNote,
            ]);
        string svg = LineChart.Draw(new Chart(
            "Seed 003, figure 4: epochs", "Epochs", "PSNR (dB)", [new ChartSeries("ours", psnr)]));
        return new ExperimentReport([table], [new Figure("seed003-figure4", svg)]);
    }
}
