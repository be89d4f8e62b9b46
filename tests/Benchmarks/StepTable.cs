using System.Globalization;
using System.Text;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>Our training step beside PyTorch's, with one thread and with two.</summary>
/// <remarks>
/// Ours is the whole program: data, actors, optimizer, checkpoints. PyTorch's is the bare step on one batch in memory.
/// Both once they are warm: PyTorch after three steps, ours after a third of them, when its compiler is done. GFLOP/s
/// count what direct convolutions would do, so that a better algorithm may pass the peak.
/// </remarks>
internal static class StepTable
{
    private const int PairsMin = 128;
    private const int NumpyHeaderBytes = 118;

    private static readonly Case[] s_cases =
    [
        new("n2n-final", new ImageShape(3, 32, 32), 8, 150),
        new("n2n-final", new ImageShape(3, 32, 32), 32, 45),
        new("n2n-final", new ImageShape(3, 32, 32), 100, 15),
        new("n2n-residual", new ImageShape(3, 32, 32), 24, 200),
        new("n2n-initial", new ImageShape(3, 32, 32), 50, 200),
        new("n2n-unet", new ImageShape(3, 64, 64), 8, 45),
        new("n2n-unet", new ImageShape(3, 256, 256), 4, 9),
        new("n2n-course", new ImageShape(3, 32, 32), 32, 500),
        new("mlp-disc", new ImageShape(2, 1, 1), 25, 30_000),
    ];

    /// <summary>Measures and prints it.</summary>
    /// <param name="rounds">Ours and PyTorch's in turn, so often.</param>
    /// <param name="hasRival">Whether PyTorch is there.</param>
    /// <param name="only">Models to measure; all if empty.</param>
    public static void Write(int rounds, bool hasRival, IReadOnlyList<string> only)
    {
        Console.WriteLine(
            "| training step | threads | ours, images/s | PyTorch, images/s | ratio | GFLOP/s | of the FMA peak "
            + "| memory, ours/PyTorch, MiB |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (Case each in s_cases.Where(each => only.Count == 0 || only.Contains(each.Model)))
        {
            foreach (int threads in new[] { 1, 2 })
            {
                WriteRow(each, threads, rounds, hasRival);
            }
        }
    }

    private static void WriteRow(Case each, int threads, int rounds, bool hasRival)
    {
        List<(double Speed, double Bytes)> ours = [];
        List<(double Speed, double Bytes)> rivals = [];
        List<double> peaks = [];
        for (int round = 0; round < rounds; round++)
        {
            peaks.Add(Work.PeakGflops(threads));
            ours.Add(RunOurs(each, threads));
            rivals.Add(hasRival
                ? Rival.Train(each.Model, each.Images, each.Batch, threads)
                : (double.NaN, double.NaN));
        }

        double speed = Median(ours, figure => figure.Speed);
        double rival = Median(rivals, figure => figure.Speed);
        double flops = Work.TrainingFlops(Catalogue.Find(each.Model, each.Images.C)!, each.Images);
        double gflops = speed * flops / 1e9;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {each.Model}, {each.Images.H}x{each.Images.W}, batch {each.Batch} | {threads} "
            + $"| {speed:F1} | {rival:F1} | {speed / rival:F2} | {gflops:F0} | {gflops / Programs.Median(peaks):P0} "
            + $"| {Median(ours, figure => figure.Bytes) / 1048576:F0}"
            + $"/{Median(rivals, figure => figure.Bytes) / 1048576:F0} |"));
    }

    private static double Median(List<(double, double)> figures, Func<(double Speed, double Bytes), double> of) =>
        Programs.Median([.. figures.Select(figure => of(figure))]);

    private static (double Speed, double Bytes) RunOurs(Case each, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        string run = Path.Combine(folder, "run");
        (_, double bytes) = Programs.RunWatched("dotnet",
        [
            Programs.Library("coordinator"), "train", "--model", each.Model, "--batch", $"{each.Batch}",
            "--steps", $"{each.Steps * threads}", "--workers", "1", "--threads", $"{threads}",
            "--run", run, .. Data(each, folder),
        ]);
        double speed = each.Batch * Cluster.Speed(Path.Combine(run, "metrics.jsonl"));
        Directory.Delete(folder, recursive: true);
        return (speed, bytes);
    }

    /// <summary>Pairs from a file, as PyTorch's come from memory: drawing images is not the point.</summary>
    private static string[] Data(Case each, string folder)
    {
        if (each.Images.H == 1)
        {
            return ["--data", "disc", "--loss", "cross-entropy"];
        }

        // Whole batches: a step of a short one would count as a full one.
        int pairs = (PairsMin + each.Batch - 1) / each.Batch * each.Batch;
        string path = Path.Combine(folder, "pairs.npy");
        string header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': (2, {pairs}, {each.Images.C}, "
            + $"{each.Images.H}, {each.Images.W}), }}";
        header = header.PadRight(NumpyHeaderBytes - 1) + "\n";
        byte[] pixels = new byte[2 * pairs * each.Images.Elements];
        new Random(0).NextBytes(pixels);
        byte[] start = [0x93, .. "NUMPY"u8, 1, 0, NumpyHeaderBytes, 0, .. Encoding.ASCII.GetBytes(header)];
        File.WriteAllBytes(path, [.. start, .. pixels]);
        return ["--data", path, "--holdout", "0", "--crop", $"{each.Images.H}"];
    }

    private sealed record Case(string Model, ImageShape Images, int Batch, int Steps);
}
