using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>Seed 004, table 1: losses, optimizers and activations; twelve rows of ten runs.</summary>
/// <remarks>
/// As in the report, learning rates come from a small grid: runs with seeds that the rows do not use.
/// </remarks>
internal sealed class DiscTable()
    : Reproduction("seed004-table1", "Seed 004, table 1", "accuracy by loss, optimizer and activation")
{
    private const int SearchSeed = 1000;
    private const int SearchRuns = 3;
    private const int Epochs = 30;

    /// <summary>Loss, optimizer, activation, their accuracy and its standard deviation, in per cent.</summary>
    private static readonly (string Loss, string Optimizer, string Activation, double Mean, double Deviation)[] s_rows =
    [
        ("mse", "sgd", "relu", 96.7, 1.1), ("mse", "sgd", "tanh", 95.3, 1.4), ("mse", "sgd", "leaky-relu", 89.7, 1.2),
        ("mse", "adam", "relu", 96.8, 1.6), ("mse", "adam", "tanh", 94.9, 1.9),
        ("mse", "adam", "leaky-relu", 85.9, 2.8),
        ("cross-entropy", "sgd", "relu", 97.4, 0.9), ("cross-entropy", "sgd", "tanh", 97.0, 1.0),
        ("cross-entropy", "sgd", "leaky-relu", 92.7, 0.8),
        ("cross-entropy", "adam", "relu", 96.9, 0.6), ("cross-entropy", "adam", "tanh", 96.7, 1.4),
        ("cross-entropy", "adam", "leaky-relu", 94.7, 1.6),
    ];

    private static readonly string[] s_rates = ["0.01", "0.003", "0.001", "0.0003"];

    /// <summary>Options of one run.</summary>
    public static string[] Arguments(string loss, string optimizer, string activation, string rate) =>
    [
        "--data", "disc", "--model", $"mlp-disc:activation={activation}", "--loss", loss, "--reduction", "sum",
        "--optimizer", optimizer, "--lr", rate, "--batch", "25", "--shard", "25", "--epochs", $"{Epochs}",
        "--init-scheme", "seed004", .. optimizer == "adam" ? ["--eps-inside-root"] : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results)
    {
        Trial[] search =
        [
            .. s_rows.SelectMany(row => s_rates.SelectMany(rate => RepeatedTrials.Of(
                SearchConfiguration(row, rate),
                Arguments(row.Loss, row.Optimizer, row.Activation, rate),
                size.Runs(SearchRuns),
                false,
                SearchSeed))),
        ];
        return results.Count < search.Length
            ? search
            : [.. search, .. s_rows.SelectMany(row => RepeatedTrials.Of(
                Configuration(row),
                Arguments(row.Loss, row.Optimizer, row.Activation, BestRate(row, results)),
                size.Runs(10),
                false))];
    }

    /// <inheritdoc/>
    public override ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default)
    {
        ComparedRow[] rows =
        [
            .. s_rows.Select(row => new ComparedRow(
                new ReproduceRow(
                    $"{Label(row)}, lr {BestRate(row, results)}", [], row.Mean, row.Deviation),
                [.. results.Where(result => result.Trial.Configuration == Configuration(row))])),
        ];
        string title = $"{Source}: {Shows}";
        return new ExperimentReport(
            [
                ComparisonTable.Create(
                    title,
                    Metric.Accuracy,
                    rows,
                    [
                        $"1,000 training and 1,000 test points, standardized; {Epochs} epochs, batch 25, summed "
                        + "losses, the report's initialization and form of Adam.",
                        $"Learning rates by a grid over {string.Join(", ", s_rates)}, "
                        + $"the mean of {size.Runs(SearchRuns)} other runs each.",
                        size.SizeNote,
                    ]),
            ],
            [ReproduceFigures.Bars(Name, title, Metric.Accuracy, rows)]);
    }

    private static string Label((string Loss, string Optimizer, string Activation, double, double) row) =>
        $"{row.Loss}, {row.Optimizer}, {row.Activation}";

    private static string Configuration((string Loss, string Optimizer, string Activation, double, double) row) =>
        $"seed004-table1 {row.Loss} {row.Optimizer} {row.Activation}";

    private static string SearchConfiguration(
        (string Loss, string Optimizer, string Activation, double, double) row, string rate) =>
        $"{Configuration(row)} search lr={rate}";

    /// <summary>The best of the grid; of equals, the first. A rate with which a run diverges is none.</summary>
    private static string BestRate(
        (string Loss, string Optimizer, string Activation, double, double) row, IReadOnlyList<TrialResult> results) =>
        s_rates.MaxBy(rate =>
        {
            string searched = SearchConfiguration(row, rate);
            TrialResult[] runs = [.. results.Where(result => result.Trial.Configuration == searched)];
            return Array.TrueForAll(runs, run => run.Status == TrialStatus.Done)
                ? runs.Average(run => run.Accuracy) ?? -1
                : -1;
        })!;
}
