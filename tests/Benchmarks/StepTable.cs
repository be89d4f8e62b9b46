using System.Globalization;

namespace Distributed.Benchmarks;

/// <summary>Our training step beside PyTorch's, with one thread and with two.</summary>
internal static class StepTable
{
    private static readonly (string Model, int Batch, int Steps)[] s_cases =
        [("n2n-final", 8, 40), ("n2n-final", 32, 10), ("n2n-initial", 50, 80)];

    /// <summary>Measures and prints it.</summary>
    public static void Write(int rounds, bool hasRival)
    {
        Console.WriteLine("| training step | threads | ours, images/s | PyTorch, images/s | ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach ((string model, int batch, int steps) in s_cases)
        {
            foreach (int threads in new[] { 1, 2 })
            {
                List<double> ours = [];
                List<double> rivals = [];
                for (int round = 0; round < rounds; round++)
                {
                    ours.Add(RunOurs(model, batch, steps * threads, threads));
                    rivals.Add(hasRival ? Programs.RunRival(model, batch, threads) : double.NaN);
                }

                (double a, double b) = (Programs.Median(ours), Programs.Median(rivals));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {model}, batch {batch} | {threads} | {a:F1} | {b:F1} | {a / b:F2} |"));
            }
        }
    }

    private static double RunOurs(string model, int batch, int steps, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        string[] arguments =
        [
            Programs.Library("coordinator"), "train", "--model", model, "--batch", $"{batch}", "--steps", $"{steps}",
            "--workers", $"{threads}", "--threads", "1", "--run", Path.Combine(folder, "run"), "--json",
        ];
        if (!Programs.TryRun("dotnet", arguments, out string output))
        {
            throw new InvalidOperationException("The training run failed.");
        }

        Directory.Delete(folder, recursive: true);
        return Programs.Summary(output).GetProperty("imagesPerSecond").GetDouble();
    }
}
