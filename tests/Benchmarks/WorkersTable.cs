using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>What a step costs the coordinator with many workers in processes of their own.</summary>
internal static class WorkersTable
{
    private static readonly (string Model, string[] Settings)[] s_cases =
    [
        ("mlp-disc", ["--model", "mlp-disc", "--data", "disc", "--batch", "256", "--shard", "4"]),
        ("n2n-initial", ["--model", "n2n-initial", "--data", "synthetic", "--batch", "64", "--shard", "1"]),
    ];

    /// <summary>
    /// Runs each model with 1, 4, ... workers; the coordinator's processor time a step is the difference of a long run
    /// and a short one, so that start and end do not count.
    /// </summary>
    public static void Write(int workersMax)
    {
        Console.WriteLine("| model | workers | coordinator's CPU a step, ms | weights |");
        Console.WriteLine("|---|---|---|---|");
        foreach ((string model, string[] settings) in s_cases)
        {
            for (int workers = 1; workers <= workersMax; workers *= 4)
            {
                (double shortTime, _) = Run(settings, workers, 20);
                (double longTime, string hash) = Run(settings, workers, 220);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {model} | {workers} | {(longTime - shortTime) / 200 * 1000:F2} | {hash[..12]} |"));
            }
        }
    }

    private static (double Seconds, string Hash) Run(string[] settings, int workers, int steps)
    {
        double seconds = 0;
        JsonElement summary = Cluster.Run(
            [.. settings, "--steps", $"{steps}", "--checkpoint-every", "0"],
            workers,
            IPAddress.Loopback,
            process => _ = WatchAsync(process, time => seconds = time)).Summary;
        return (seconds, summary.GetProperty("weightsSha256").GetString()!);
    }

    /// <summary>Looks at a process' time until it ends.</summary>
    private static async Task WatchAsync(Process process, Action<double> onTime)
    {
        try
        {
            while (!process.HasExited)
            {
                process.Refresh();
                onTime(process.TotalProcessorTime.TotalSeconds);
                await Task.Delay(20);
            }
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }
}
