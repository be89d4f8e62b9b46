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
                new("their framework", Arguments(size, "2"), double.NaN),
                new("a lower learning rate", Arguments(size, "0.5"), 25.48),
            ],
            Notes =
            [
                "Theirs: their framework gave NaN; the second row has PyTorch's number, 25.48 dB, and the best entry "
                + "of their course had 36.",
                "The network is the course's (Conv s2, ReLU, Conv s2, ReLU, Upsampling, ReLU, Upsampling, Sigmoid)"
                + " with Kaiming initialization; width and epochs are not given: 48 channels, batch 32, 10 epochs.",
            ],
        },
    ];

    private static string[] Arguments(ReproduceSize size, string rate) =>
    [
        .. size.CoursePairs(50_000),
        "--model", "n2n-course:channels=48", "--init-scheme", "kaiming-normal", "--optimizer", "sgd", "--lr", rate,
        "--batch", "32", "--epochs", $"{size.Epochs(10)}",
    ];
}
