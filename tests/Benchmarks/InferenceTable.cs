using System.Diagnostics;
using System.Globalization;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Benchmarks;

/// <summary>One large picture through a model, in tiles, beside PyTorch's forward pass over the whole.</summary>
internal static class InferenceTable
{
    private static readonly ImageShape s_picture = new(3, 2048, 2048);
    private static readonly string[] s_models = ["n2n-residual", "n2n-final", "n2n-unet"];

    /// <summary>Measures and prints it.</summary>
    /// <param name="rounds">Ours and PyTorch's in turn, so often.</param>
    /// <param name="hasRival">Whether PyTorch is there.</param>
    /// <param name="only">Models to measure; all if empty.</param>
    public static void Write(int rounds, bool hasRival, IReadOnlyList<string> only)
    {
        Console.WriteLine(
            $"| a picture of {s_picture.W}x{s_picture.H} | threads | ours, s | PyTorch, s | ratio | GFLOP/s |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (string name in s_models.Where(name => only.Count == 0 || only.Contains(name)))
        {
            foreach (int threads in new[] { 1, 2 })
            {
                List<double> ours = [];
                List<double> rivals = [];
                for (int round = 0; round < rounds; round++)
                {
                    ours.Add(Measure(name, threads));
                    rivals.Add(hasRival ? 1 / Rival.Infer(name, s_picture, threads).Speed : double.NaN);
                }

                (double a, double b) = (Programs.Median(ours), Programs.Median(rivals));
                double flops = Work.ForwardFlops(Catalogue.Find(name, s_picture.C)!, s_picture);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {threads} | {a:F2} | {b:F2} | {b / a:F2} | {flops / a / 1e9:F0} |"));
            }
        }
    }

    /// <summary>Seconds for one picture, the second one: plans are made for each, code is compiled once.</summary>
    private static double Measure(string name, int threads)
    {
        Network network = Network.Create(name, s_picture.C);
        float[] input = new float[s_picture.Elements];
        float[] output = new float[s_picture.Elements];
        float[] state = [.. network.Param().SelectMany(pair => pair.Parameter.Span.ToArray())];
        TiledPredictor predictor = new(network.Model, state, threads);
        predictor.Run(s_picture, input, output);
        long start = Stopwatch.GetTimestamp();
        predictor.Run(s_picture, input, output);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
