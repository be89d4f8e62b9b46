namespace Distributed.Coordinator.Experiments.Seeds;

/// <summary>The claim of Noise2Noise itself (Lehtinen et al. 2018): noisy targets are as good as clean ones.</summary>
internal static class NoisyTargets
{
    private static readonly (string Noise, string Loss)[] s_noises =
    [
        ("gaussian:25", "mse"), ("poisson:30", "mse"), ("bernoulli:0.5", "mse"), ("text", "l1"),
        ("impulse:0.5", "l0"),
    ];

    /// <summary>The one.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
    [
        new Comparison("noise2noise", "Noise2Noise (Lehtinen et al. 2018)", "noisy against clean targets")
        {
            Rows = size =>
            [
                .. s_noises.SelectMany(one => new[] { "noisy", "clean" }.Select(targets => new ReproduceRow(
                    $"{one.Noise} {targets}", Words(size, one.Noise, one.Loss, targets)))),
            ],
            IsCourse = false,
            Notes =
            [
                "Data: synthetic images (dead leaves, 32 x 32), not the paper's photographs.",
                "The paper claims equal results: the rows of a pair should be within 0.1 dB at full size.",
                "The network is the paper's U-Net; Adam at 0.001, batch 8, 4 epochs.",
            ],
        },
    ];

    private static string[] Words(ReproduceSize size, string noise, string loss, string targets) =>
    [
        "--noise", noise, "--targets", targets, "--loss", loss, "--limit", $"{size.Pairs(50_000)}",
        "--model", "n2n-unet", "--batch", "8", "--epochs", $"{size.Epochs(4)}",
    ];
}
