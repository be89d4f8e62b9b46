using System.Globalization;
using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>The report of a framework with its own convolution, pooling and Kaiming initialization.</summary>
internal static class Report000
{
    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
    [
        new LayerLatency(),
        new Comparison("seed000-table3", "Seed 000, table 3", "SGD trains stably where theirs gave NaN")
        {
            Rows = size =>
            [
                new("a framework of one's own", Arguments(size, "2"), double.NaN),
            ],
            Elsewhere = InPyTorch,
            Notes =
            [
                "Theirs: their framework gave NaN, and PyTorch 25.48 dB; the best entry of their course had 36.",
                "The network is the course's (Conv s2, ReLU, Conv s2, ReLU, Upsampling, ReLU, Upsampling, Sigmoid)"
                + " with Kaiming initialization; width and epochs are not given: 48 channels, batch 32, 10 epochs.",
            ],
        },
    ];

    /// <summary>PyTorch's 25.48 dB stands beside PyTorch's own training on this machine, or beside nothing.</summary>
    private static (ComparedRow Row, string Note) InPyTorch(IReadOnlyList<ComparedRow> rows, CancellationToken stop)
    {
        ReproduceRow row = new("PyTorch", [], 25.48);
        TrialResult? ours = rows[0].Results.FirstOrDefault(result => result.Status == TrialStatus.Done);
        if (ours is null || PyTorchTraining.Run(ours, stop) is not { } trained)
        {
            return (new ComparedRow(row, []), $"PyTorch's row is empty: {PyTorch.Missing}, or the run of the first row "
                + "is not there to be repeated in it.");
        }

        return (
            new ComparedRow(row, [trained.Result]),
            string.Create(
                CultureInfo.InvariantCulture,
                $"PyTorch {trained.Version}, on this machine: initial weights, batches and noise of the first row's ")
                + string.Create(CultureInfo.InvariantCulture, $"first run, which has {ours.Psnr:0.00} dB."));
    }

    private static string[] Arguments(ReproduceSize size, string rate) =>
    [
        .. size.CoursePairs(50_000),
        "--model", "n2n-course:channels=48", "--init-scheme", "kaiming-normal", "--optimizer", "sgd", "--lr", rate,
        "--batch", "32", "--epochs", $"{size.Epochs(10)}",
    ];
}
