using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Distributed.Framework.Tensors;
using Distributed.Protocol.Cluster;

namespace Distributed.Benchmarks;

/// <summary>What it costs that two threads are in two processes: ours in a cluster, PyTorch's over gloo.</summary>
internal static class LinkTable
{
    private const string Model = "n2n-final";
    private static readonly ImageShape s_images = new(3, 32, 32);

    /// <summary>Measures and prints it.</summary>
    public static void Write(int rounds, bool hasRival)
    {
        if (hasRival && !Rival.HasGloo())
        {
            Console.WriteLine("PyTorch has no gloo: ours alone.");
            hasRival = false;
        }

        Console.WriteLine("| images/s | one process, 2 threads | two processes, 1 thread each | ratio |");
        Console.WriteLine("|---|---|---|---|");
        foreach (int batch in new[] { 32, 8 })
        {
            WriteBatch(batch, rounds, hasRival);
        }
    }

    private static void WriteBatch(int batch, int rounds, bool hasRival)
    {
        IPAddress far = LocalAddress.Of(IPAddress.Any);
        bool hasFar = !IPAddress.IsLoopback(far);
        List<double> locals = [];
        List<double> plain = [];
        List<double> encrypted = [];
        List<(double One, double Two)> rivals = [];
        JsonElement last = default;
        string[] settings =
            ["--model", Model, "--batch", $"{batch}", "--steps", $"{2880 / batch}", "--data", "synthetic"];
        for (int round = 0; round < rounds; round++)
        {
            locals.Add(batch * Cluster.RunLocal(settings, threads: 2).StepsPerSecond);
            TrainingRun near = Cluster.Run(settings, workers: 2, IPAddress.Loopback);
            plain.Add(batch * near.StepsPerSecond);
            last = near.Summary;
            if (hasFar)
            {
                encrypted.Add(batch * Cluster.Run(settings, workers: 2, far).StepsPerSecond);
            }

            if (hasRival)
            {
                rivals.Add((
                    Rival.Train(Model, s_images, batch, threads: 2).Speed,
                    Rival.Train(Model, s_images, batch / 2, threads: 1, processes: 2).Speed));
            }

            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Round {round + 1} of {rounds}: {plain[^1] / locals[^1]:F3}"));
        }

        WriteRow($"ours, batch {batch}, loopback", locals, plain);
        if (hasFar)
        {
            WriteRow($"ours, batch {batch}, with TLS", locals, encrypted);
        }

        if (hasRival)
        {
            WriteRow(
                $"PyTorch, batch {batch}, DistributedDataParallel over gloo",
                [.. rivals.Select(round => round.One)],
                [.. rivals.Select(round => round.Two)]);
        }

        Console.Error.WriteLine("A step of the last run: " + string.Join(", ", Names(last)));
    }

    /// <summary>The ratio is the median of the rounds' ratios.</summary>
    private static void WriteRow(string name, List<double> one, List<double> two)
    {
        double ratio = Programs.Median([.. one.Zip(two, (left, right) => right / left)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {Programs.Median(one):F1} | {Programs.Median(two):F1} | {ratio:F3} |"));
    }

    private static IEnumerable<string> Names(JsonElement summary) => summary.EnumerateObject()
        .Where(field => field.Name.EndsWith("Milliseconds", StringComparison.Ordinal)
            || field.Name.EndsWith("PerStep", StringComparison.Ordinal))
        .Select(field => $"{field.Name} {field.Value}");
}
