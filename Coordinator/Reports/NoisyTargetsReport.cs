using System.Globalization;
using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>The claim of Noise2Noise itself (Lehtinen et al. 2018): noisy targets are as good as clean ones.</summary>
internal static class NoisyTargetsReport
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
                .. s_noises.SelectMany(one => Pair(size, "n2n-initial", one.Noise, one.Loss, 50_000)),
                .. Pair(size, "n2n-unet", "gaussian:25", "mse", 10_000),
            ],
            IsCourse = false,
            Findings = Gaps,
            Notes =
            [
                "Data: synthetic images (dead leaves, 32 x 32), not the paper's photographs.",
                "The paper claims equal results: the rows of a pair should be within 0.1 dB at full size.",
                "n2n-initial: Adam at 0.001 with the paper's ramp-down, batch 32, 4 epochs of 50,000 pairs, so that "
                + "both end where they can; the paper's U-Net: batch 8, 4 epochs of 10,000.",
            ],
        },
    ];

    /// <summary>How far noisy targets end from clean ones, for each pair of rows that is done.</summary>
    private static IReadOnlyList<string> Gaps(IReadOnlyList<ComparedRow> rows, Metric metric) =>
    [
        .. rows.Chunk(2).Where(pair => pair.Length == 2)
            .Select(pair => (
                Name: pair[0].Row.Label.Replace(", noisy", "", StringComparison.Ordinal),
                Gap: metric.Over(pair[0].Results)?.Mean - metric.Over(pair[1].Results)?.Mean))
            .Where(pair => pair.Gap is not null)
            .Select(pair => string.Create(
                CultureInfo.InvariantCulture,
                $"{pair.Name}: noisy targets end {pair.Gap:+0.00;-0.00;0.00} dB from clean ones.")),
    ];

    private static IEnumerable<ReproduceRow> Pair(
        ReproduceSize size, string model, string noise, string loss, int pairs)
    {
        foreach (string targets in new[] { "noisy", "clean" })
        {
            yield return new ReproduceRow(
                $"{model}, {noise}, {targets}",
                [
                    "--noise", noise, "--targets", targets, "--loss", loss, "--limit", $"{size.Pairs(pairs)}",
                    "--model", model, "--batch", model == "n2n-unet" ? "8" : "32", "--schedule", "rampdown",
                    "--epochs", $"{size.Epochs(4)}",
                ]);
        }
    }
}
