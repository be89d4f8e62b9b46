using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>What a step costs the coordinator with many workers in processes of their own.</summary>
internal static class WorkersTable
{
    private static readonly (string Model, int Steps, string[] Settings)[] s_cases =
    [
        ("mlp-disc", 6000, ["--model", "mlp-disc", "--data", "disc", "--batch", "256", "--shard", "4"]),
        ("n2n-initial", 1200, ["--model", "n2n-initial", "--data", "synthetic", "--batch", "64", "--shard", "1"]),
    ];

    /// <summary>
    /// Runs each model with 1, 4, ... workers; the coordinator's processor time a step is that of the last two thirds
    /// of them, so that joining, the runtime's compiler and the end do not count.
    /// </summary>
    public static void Write(int workersMax)
    {
        Console.WriteLine("| model | workers | coordinator's CPU a step, ms | weights |");
        Console.WriteLine("|---|---|---|---|");
        foreach ((string model, int steps, string[] settings) in s_cases)
        {
            for (int workers = 1; workers <= workersMax; workers *= 4)
            {
                List<(int Step, double Seconds)> samples = [];
                JsonElement summary = Cluster.Run(
                    [.. settings, "--steps", $"{steps}", "--checkpoint-every", "0"],
                    workers,
                    IPAddress.Loopback,
                    (process, run) => _ = WatchAsync(process, Path.Combine(run, "metrics.jsonl"), samples)).Summary;
                (int step, double seconds) = samples[^1];
                (int firstStep, double firstSeconds) = samples.First(sample => sample.Step >= steps / 3);
                double cost = (seconds - firstSeconds) / (step - firstStep) * 1000;
                string hash = summary.GetProperty("weightsSha256").GetString()!;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"| {model} | {workers} | {cost:F2} | {hash[..12]} |"));
            }
        }
    }

    /// <summary>Notes a process' time whenever its run has done more steps, until it ends.</summary>
    private static async Task WatchAsync(Process process, string metrics, List<(int Step, double Seconds)> samples)
    {
        try
        {
            while (!process.HasExited)
            {
                process.Refresh();
                double seconds = process.TotalProcessorTime.TotalSeconds;
                int step = File.Exists(metrics) ? File.ReadLines(metrics).Count() : 0;
                if (samples.Count == 0 || samples[^1].Step < step)
                {
                    samples.Add((step, seconds));
                }

                await Task.Delay(20);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException)
        {
            // It has ended.
        }
    }
}
