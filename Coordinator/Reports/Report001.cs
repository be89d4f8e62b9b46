using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>The report that searches learning rate, activation and width, and compares upsamplings.</summary>
internal static class Report001
{
    private const string Guess =
        "Their network is not given: the course's with transposed convolutions in the place of its upsampling, which "
        + "gave them poor results; ReLU in figure 1, later ELU, which they found best; 96 channels unless said "
        + "otherwise, PyTorch's default initialization, SGD without momentum, the mean squared error, batch 100, 5,000 "
        + "images, 25 epochs.";

    private static readonly string[] s_rates = ["0.5", "1", "2", "4", "8"];
    private static readonly string[] s_activations = ["relu", "elu", "selu"];
    private static readonly string[] s_widths = ["96", "256"];

    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
    [
        Create("seed001-figure1", "figure 1", "train and test loss by learning rate", "4 and 8 are best", size =>
            [.. s_rates.Select(rate => new ReproduceRow($"lr {rate}", Arguments(size, "activation=relu", rate)))]),
        Create("seed001-figure2", "figure 2", "ReLU, ELU and SELU", "ELU is best", size =>
        [
            .. s_activations.Select(one =>
                new ReproduceRow(one, Arguments(size, $"activation={one}", "4"))),
        ]),
        Create("seed001-figure3", "figure 3", "96 against 256 channels", "more channels are better", size =>
            [.. s_widths.Select(one => new ReproduceRow($"{one} channels", Arguments(size, $"channels={one}", "4")))]),
        new Comparison(
            "seed001-figures45", "Seed 001, figures 4 and 5", "nearest upsampling against transposed convolution")
        {
            Rows = size =>
            [
                new("upsampling", Arguments(size, "upsampling=nearest", "2")),
                new("transposed convolution", Arguments(size, "upsampling=transposed", "2")),
            ],
            Notes =
            [
                Guess,
                "With ELU and their rate of 4, upsampling does not train here: a rate of 2 for both.",
                "They found the definition lower with upsampling, by eye; they give no number.",
            ],
            Figures = (rows, _) => ReproduceFigures.Pictures(
                "seed001-figures45", "Seed 001, figures 4 and 5: upsampling and transposed convolution", rows),
        },
    ];

    private static Comparison Create(
        string name,
        string figure,
        string shows,
        string finding,
        Func<ReproduceSize, IReadOnlyList<ReproduceRow>> rows) =>
        new(name, $"Seed 001, {figure}", shows)
        {
            Rows = rows,
            ValidatesEachEpoch = true,
            Notes = [Guess, $"They give curves and no numbers; {finding}, they say."],
            Figures = (compared, _) =>
                [ReproduceFigures.Losses(name, $"Seed 001, {figure}: {shows}", compared)],
        };

    private static string[] Arguments(ReproduceSize size, string model, string rate) =>
    [
        .. size.CoursePairs(5_000),
        "--model", $"n2n-transposed:{model}", "--optimizer", "sgd", "--lr", rate, "--batch", "100",
        "--epochs", $"{size.Epochs(25)}",
    ];
}
