using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>Training runs of the programs: in one process, or of a coordinator and workers of their own.</summary>
internal static class Cluster
{
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(60);

    /// <summary>Trains in one process.</summary>
    public static TrainingRun RunLocal(IEnumerable<string> settings, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        using Process run = Train(Path.Combine(folder, "run"), settings, ["--workers", "1", "--threads", $"{threads}"]);
        return End(run, folder);
    }

    /// <summary>Trains with workers of one thread in processes of their own.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="workers">How many.</param>
    /// <param name="address">Where the coordinator listens; with TLS if it is no loopback.</param>
    /// <param name="onRunning">
    /// Called with the coordinator's process and its run's folder when it has begun; null for nothing.
    /// </param>
    public static TrainingRun Run(
        IEnumerable<string> settings, int workers, IPAddress address, Action<Process, string>? onRunning = null)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        string run = Path.Combine(folder, "run");
        string listen = $"{address}:{FreePort(address)}";
        using Process training = Train(
            run, settings, ["--workers", "0", "--min-workers", $"{workers}", "--listen", listen]);
        string token = Path.Combine(run, "secrets", "join.token");
        Stopwatch watch = Stopwatch.StartNew();
        while (!File.Exists(token))
        {
            if (training.HasExited || watch.Elapsed > s_startMax)
            {
                training.Kill();
                throw new InvalidOperationException("The coordinator does not listen.");
            }

            Thread.Sleep(50);
        }

        onRunning?.Invoke(training, run);
        Process[] joined = [.. Enumerable.Range(0, workers)
            .Chunk(Environment.ProcessorCount)
            .SelectMany(group => StartWorkers(group.Length, listen, token))];
        TrainingRun result = End(training, folder);
        foreach (Process worker in joined)
        {
            if (!Programs.TryEnd(worker, out _))
            {
                throw new InvalidOperationException("A worker failed.");
            }

            worker.Dispose();
        }

        return result;
    }

    /// <summary>
    /// Starts some workers and waits until they have joined: many that start at once on one machine keep each other
    /// from it, since starting is what takes them longest.
    /// </summary>
    private static Process[] StartWorkers(int count, string listen, string token)
    {
        Process[] workers = [.. Enumerable.Range(0, count).Select(_ => Programs.Start(
            "dotnet",
            [Programs.Library("worker"), "--join", listen, "--token-file", token, "--threads", "1"]))];
        foreach (Process worker in workers)
        {
            while (worker.StandardError.ReadLine() is { } line && !line.StartsWith("Joined", StringComparison.Ordinal))
            {
            }
        }

        return workers;
    }

    private static Process Train(string run, IEnumerable<string> settings, IEnumerable<string> more) => Programs.Start(
        "dotnet", [Programs.Library("coordinator"), "train", .. settings, "--run", run, "--json", .. more]);

    private static TrainingRun End(Process training, string folder)
    {
        if (!Programs.TryEnd(training, out string output))
        {
            throw new InvalidOperationException("The training run failed.");
        }

        TrainingRun result = new(Programs.Summary(output), Speed(Path.Combine(folder, "run", "metrics.jsonl")));
        Directory.Delete(folder, recursive: true);
        return result;
    }

    /// <summary>
    /// Steps a second after the first third of them: before, the compilers of all processes share the cores.
    /// </summary>
    /// <param name="metrics">The run's metrics.jsonl.</param>
    public static double Speed(string metrics)
    {
        (int Step, double Seconds)[] rows = [.. File.ReadLines(metrics)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(row => row.TryGetProperty("computeSeconds", out _))
            .Select(row => (row.GetProperty("step").GetInt32(), row.GetProperty("seconds").GetDouble()))];
        (int first, double start) = rows[rows.Length / 3];
        (int last, double end) = rows[^1];
        return (last - first) / (end - start);
    }

    private static int FreePort(IPAddress address)
    {
        using TcpListener listener = new(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A run that is over.</summary>
/// <param name="Summary">As printed.</param>
/// <param name="StepsPerSecond">Once it was warm.</param>
internal sealed record TrainingRun(JsonElement Summary, double StepsPerSecond);
