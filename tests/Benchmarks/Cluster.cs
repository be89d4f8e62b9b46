using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>Training runs of the programs: in one process, or of a coordinator and workers of their own.</summary>
internal static class Cluster
{
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(60);

    /// <summary>Images a second of a run.</summary>
    public static double Speed(JsonElement summary) => summary.GetProperty("imagesPerSecond").GetDouble();

    /// <summary>Trains in one process; its summary.</summary>
    public static JsonElement RunLocal(IEnumerable<string> settings, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        using Process run = Train(Path.Combine(folder, "run"), settings, ["--workers", "1", "--threads", $"{threads}"]);
        JsonElement summary = End(run);
        Directory.Delete(folder, recursive: true);
        return summary;
    }

    /// <summary>Trains with workers of one thread in processes of their own; its summary.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="workers">How many.</param>
    /// <param name="address">Where the coordinator listens; with TLS if it is no loopback.</param>
    /// <param name="onRunning">Called with the coordinator's process when it has begun; null for nothing.</param>
    public static JsonElement Run(
        IEnumerable<string> settings, int workers, IPAddress address, Action<Process>? onRunning = null)
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
                throw new InvalidOperationException("The coordinator does not listen: " + End(training));
            }

            Thread.Sleep(50);
        }

        onRunning?.Invoke(training);
        Process[] joined = [.. Enumerable.Range(0, workers).Select(_ => Programs.Start(
            "dotnet",
            [Programs.Library("worker"), "--join", listen, "--token-file", token, "--threads", "1"]))];
        JsonElement summary = End(training);
        foreach (Process worker in joined)
        {
            if (!Programs.TryEnd(worker, out _))
            {
                throw new InvalidOperationException("A worker failed.");
            }

            worker.Dispose();
        }

        Directory.Delete(folder, recursive: true);
        return summary;
    }

    private static Process Train(string run, IEnumerable<string> settings, IEnumerable<string> more) => Programs.Start(
        "dotnet", [Programs.Library("coordinator"), "train", .. settings, "--run", run, "--json", .. more]);

    private static JsonElement End(Process training) => Programs.TryEnd(training, out string output)
        ? Programs.Summary(output)
        : throw new InvalidOperationException("The training run failed.");

    private static int FreePort(IPAddress address)
    {
        using TcpListener listener = new(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
