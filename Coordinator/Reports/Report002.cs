using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>The report whose results are missing: the mandated network with Xavier initialization.</summary>
internal static class Report002
{
    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
    [
        new Comparison("seed002-results", "Seed 002, results", "the mandated network, Xavier and other initial weights")
        {
            Rows = size =>
            [
                new("Xavier normal", Arguments(size, "xavier-normal")),
                new("Kaiming normal", Arguments(size, "kaiming-normal")),
                new("PyTorch's default", Arguments(size, "default")),
            ],
            ValidatesEachEpoch = true,
            Notes =
            [
                "The report's section of results is empty: there is nothing of theirs to compare with.",
                "Width, rate and epochs are not given: 48 channels, SGD with rate 2, batch 32, 10 epochs.",
            ],
            Figures = (rows, _) =>
            [
                ReproduceFigures.Losses("seed002-results", "Seed 002: the mandated network by initial weights", rows),
            ],
        },
    ];

    private static string[] Arguments(ReproduceSize size, string scheme) =>
    [
        .. size.CoursePairs(50_000),
        "--model", "n2n-course:channels=48", "--init-scheme", scheme, "--optimizer", "sgd", "--lr", "2", "--batch",
        "32", "--epochs", $"{size.Epochs(10)}",
    ];
}
