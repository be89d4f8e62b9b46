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
    public static string[] Words(string loss, string optimizer, string activation, string rate) =>
    [
        "--data", "disc", "--model", $"mlp-disc:activation={activation}", "--loss", loss, "--reduction", "sum",
        "--optimizer", optimizer, "--lr", rate, "--batch", "25", "--shard", "25", "--epochs", $"{Epochs}",
        "--init-scheme", "xavier-normal", .. optimizer == "adam" ? ["--eps-inside-root"] : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<Cell> Cells(ReproduceSize size, IReadOnlyList<CellResult> results)
    {
        Cell[] search =
        [
            .. s_rows.SelectMany(row => s_rates.SelectMany(rate => RepeatedCells.Of(
                SearchGroup(row, rate),
                Words(row.Loss, row.Optimizer, row.Activation, rate),
                size.Runs(SearchRuns),
                false,
                SearchSeed))),
        ];
        return results.Count < search.Length
            ? search
            : [.. search, .. s_rows.SelectMany(row => RepeatedCells.Of(
                Group(row),
                Words(row.Loss, row.Optimizer, row.Activation, BestRate(row, results)),
                size.Runs(10),
                false))];
    }

    /// <inheritdoc/>
    public override ExperimentReport Report(ReproduceSize size, IReadOnlyList<CellResult> results)
    {
        ComparedRow[] rows =
        [
            .. s_rows.Select(row => new ComparedRow(
                new ReproduceRow(
                    $"{Label(row)}, lr {BestRate(row, results)}", [], row.Mean, row.Deviation),
                [.. results.Where(result => result.Cell.Group == Group(row))])),
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

    private static string Group((string Loss, string Optimizer, string Activation, double, double) row) =>
        $"seed004-table1 {row.Loss} {row.Optimizer} {row.Activation}";

    private static string SearchGroup(
        (string Loss, string Optimizer, string Activation, double, double) row, string rate) =>
        $"{Group(row)} search lr={rate}";

    /// <summary>The best of the grid; of equals, the first. A rate with which a run diverges is none.</summary>
    private static string BestRate(
        (string Loss, string Optimizer, string Activation, double, double) row, IReadOnlyList<CellResult> results) =>
        s_rates.MaxBy(rate =>
        {
            CellResult[] runs = [.. results.Where(result => result.Cell.Group == SearchGroup(row, rate))];
            return Array.TrueForAll(runs, run => run.Status == CellStatus.Done)
                ? runs.Average(run => run.Accuracy) ?? -1
                : -1;
        })!;
}
