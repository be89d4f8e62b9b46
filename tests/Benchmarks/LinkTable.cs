using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>What it costs that two threads are in two processes: ours over the link, PyTorch's over gloo.</summary>
internal static class LinkTable
{
    private const string Model = "n2n-final";
    private const int Batch = 32;
    private const int Steps = 60;
    private static readonly ImageShape s_images = new(3, 32, 32);
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(30);

    /// <summary>Measures and prints it.</summary>
    public static void Write(int rounds, bool hasRival)
    {
        if (hasRival && !Rival.HasGloo())
        {
            Console.WriteLine("PyTorch has no gloo: ours alone.");
            hasRival = false;
        }

        List<(double One, double Two)> ours = [];
        List<(double One, double Two)> rivals = [];
        JsonElement last = default;
        for (int round = 0; round < rounds; round++)
        {
            double one = RunLocal();
            last = RunOverLink();
            ours.Add((one, Speed(last)));
            if (hasRival)
            {
                one = Rival.Train(Model, s_images, Batch, threads: 2).Speed;
                rivals.Add((one, Rival.Train(Model, s_images, Batch / 2, threads: 1, processes: 2).Speed));
            }

            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Round {round + 1} of {rounds}: {Ratio(ours):F3}{(hasRival ? $", PyTorch {Ratio(rivals):F3}" : "")}"));
        }

        Console.WriteLine(
            $"| {Model}, batch {Batch}, images/s | one process, 2 threads | two processes, 1 thread each | ratio |");
        Console.WriteLine("|---|---|---|---|");
        WriteRow("ours, over the link", ours);
        if (hasRival)
        {
            WriteRow("PyTorch, DistributedDataParallel over gloo", rivals);
        }

        Console.WriteLine("A step over the link, in the mean of the last run: " + string.Join(", ", Names(last)));
    }

    private static double Ratio(List<(double One, double Two)> rounds) => rounds[^1].Two / rounds[^1].One;

    /// <summary>The ratio is the median of the rounds' ratios.</summary>
    private static void WriteRow(string name, List<(double One, double Two)> rounds)
    {
        double one = Programs.Median([.. rounds.Select(round => round.One)]);
        double two = Programs.Median([.. rounds.Select(round => round.Two)]);
        double ratio = Programs.Median([.. rounds.Select(round => round.Two / round.One)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {name} | {one:F1} | {two:F1} | {ratio:F3} |"));
    }

    private static IEnumerable<string> Names(JsonElement summary) => summary.EnumerateObject()
        .Where(field => field.Name.EndsWith("Milliseconds", StringComparison.Ordinal)
            || field.Name.EndsWith("PerStep", StringComparison.Ordinal))
        .Select(field => $"{field.Name} {field.Value}");

    private static double RunLocal()
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        using Process run = StartTraining(Path.Combine(folder, "run"), "--workers", "1", "--threads", "2");
        JsonElement summary = End(run);
        Directory.Delete(folder, recursive: true);
        return Speed(summary);
    }

    private static JsonElement RunOverLink()
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        string run = Path.Combine(folder, "run");
        string address = $"127.0.0.1:{FreePort()}";
        using Process training = StartTraining(run, "--workers", "0", "--min-workers", "2", "--listen", address);
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

        string[] join =
            [Programs.Library("worker"), "--join", $"http://{address}", "--token-file", token, "--threads", "1"];
        using Process first = Programs.Start("dotnet", join);
        using Process second = Programs.Start("dotnet", join);
        JsonElement summary = End(training);
        if (!Programs.TryEnd(first, out _) || !Programs.TryEnd(second, out _))
        {
            throw new InvalidOperationException("A worker failed.");
        }

        Directory.Delete(folder, recursive: true);
        return summary;
    }

    private static Process StartTraining(string run, params string[] more) => Programs.Start(
        "dotnet",
        [
            Programs.Library("coordinator"), "train", "--model", Model, "--batch", $"{Batch}", "--steps", $"{Steps}",
            "--data", "synthetic", "--run", run, "--json", .. more,
        ]);

    private static JsonElement End(Process training) => Programs.TryEnd(training, out string output)
        ? Programs.Summary(output)
        : throw new InvalidOperationException("The training run failed.");

    private static double Speed(JsonElement summary) => summary.GetProperty("imagesPerSecond").GetDouble();

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
