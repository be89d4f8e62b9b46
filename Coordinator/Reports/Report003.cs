using System.Globalization;
using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>The report that builds the final Noise2Noise model step by step.</summary>
internal static class Report003
{
    private const int AllPairs = 50_000;
    private const int TenPercent = 5_000;
    private const int BatchMax = 50;
    private static readonly (int Layers, double Psnr)[] s_depths =
        [(4, 23.69), (6, 22.63), (8, 20.91), (10, 20.10), (12, 19.31)];

    private static readonly int[] s_widths = [.. Enumerable.Range(1, 40).Select(i => 10 * i)];
    private static readonly int[] s_batches =
        [.. Enumerable.Range(1, BatchMax).Where(batch => AllPairs % batch == 0)];

    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
    [
        new Comparison("seed003-initial", "Seed 003, section 3.1.3", "the initial model")
        {
            Rows = size =>
                [new("initial model", Arguments(size, TenPercent, "n2n-initial", batch: 50, epochs: 10), 23.88)],
            Notes = ["The number of epochs is not given: 10, with 10 % of the pairs, Adam at 0.001 and batch 50."],
        },
        new Comparison("seed003-table2", "Seed 003, table 2", "depth at an equal number of parameters")
        {
            Rows = size =>
            [
                .. s_depths.Select(depth => new ReproduceRow(
                    $"{depth.Layers} layers",
                    Arguments(size, TenPercent, $"n2n-depth:layers={depth.Layers}", batch: 50, epochs: 10),
                    depth.Psnr)),
                .. s_depths.Select(depth => new ReproduceRow(
                    $"{depth.Layers} layers, batch norm",
                    Arguments(size, TenPercent, $"n2n-depth:layers={depth.Layers},norm=batch", batch: 50, epochs: 10))),
            ],
            Notes =
            [
                "The number of epochs is not given: 10, with 10 % of the pairs, Adam at 0.001 and batch 50.",
                "\"One could try batch-normalization for deeper model\", they say, and give no numbers: before each "
                + "ReLU, in shards of 8.",
            ],
        },
        new Comparison("seed003-figure1", "Seed 003, figure 1", "channels of the hidden layers")
        {
            Rows = size =>
            [
                .. size.Values(s_widths).Select(width => new ReproduceRow(
                    $"{width} channels",
                    Arguments(size, TenPercent, $"n2n-initial:channels={width}", batch: 5, epochs: 1)) { X = width }),
            ],
            Notes = ["They give a curve and no numbers; from 100 channels on the gain is small, they say."],
            Figures = (rows, metric) =>
            [
                ReproduceFigures.OverX(
                    "seed003-figure1", "Seed 003, figure 1: width", "Channels of the hidden layers", metric, rows),
            ],
        },
        new Comparison("seed003-figure2", "Seed 003, figure 2", "with and without the skip connection")
        {
            Rows = size =>
            [
                new("no skip", Arguments(size, TenPercent, "n2n-initial", batch: 50, epochs: 25), 24.43),
                new("skip", Arguments(size, TenPercent, "n2n-final:channels=32", batch: 50, epochs: 25), 24.69),
            ],
            ValidatesEachEpoch = true,
            Figures = (rows, _) =>
                [ReproduceFigures.Losses("seed003-figure2", "Seed 003, figure 2: skip connection", rows)],
        },
        new Comparison("seed003-figure3", "Seed 003, figure 3", "batch size, mean over five runs")
        {
            Rows = size =>
            [
                .. size.Values(s_batches).Select(batch => new ReproduceRow(
                    $"batch {batch}", Arguments(size, AllPairs, "n2n-initial", batch, epochs: 1)) { X = batch }),
            ],
            Repeat = 5,
            Notes = ["They give a curve and no numbers, and choose 8."],
            Figures = (rows, metric) =>
                [ReproduceFigures.OverX("seed003-figure3", "Seed 003, figure 3: batch size", "Batch", metric, rows)],
        },
        new EpochsReproduction(),
        new Comparison("seed003-final", "Seed 003, section 4", "the final model's PSNR and training time")
        {
            Rows = size => [Final(size) with { Theirs = 25.32 }],
            Notes = ["Their training took 197.95 s on Google Colab's GPU; ours is in the last column, on one core."],
        },
        new BestModel(),
        new Comparison("seed003-figure5", "Seed 003, figure 5", "the final model's pictures")
        {
            Rows = size => [Final(size)],
            Figures = (rows, _) =>
                ReproduceFigures.Pictures("seed003-figure5", "Seed 003, figure 5: the final model", rows),
        },
        new Comparison("seed003-baselines", "Seed 003, introduction", "the baselines of 23 and 24 dB")
        {
            Rows = size =>
            [
                new("very simple", Arguments(size, AllPairs, "n2n-initial:channels=8", batch: 8, epochs: 1), 23),
                new("8 convolutions", Arguments(size, AllPairs, "n2n-8", batch: 8, epochs: 10), 24),
            ],
            Notes = ["Neither network is given: the initial model with 8 channels and one epoch; n2n-8 and ten."],
        },
    ];

    /// <summary>The final model's one run, shared by its number and its pictures.</summary>
    private static ReproduceRow Final(ReproduceSize size) =>
        new("final model", Arguments(size, AllPairs, "n2n-final", batch: 8, epochs: 10)) { Shared = "seed003-final" };

    /// <summary>Adam at 0.001 and the mean squared error are the defaults.</summary>
    internal static string[] Arguments(ReproduceSize size, int pairs, string model, int batch, int epochs) =>
    [
        .. size.CoursePairs(pairs),
        "--model", model, "--batch", batch.ToString(CultureInfo.InvariantCulture),
        "--epochs", size.Epochs(epochs).ToString(CultureInfo.InvariantCulture),
    ];
}
