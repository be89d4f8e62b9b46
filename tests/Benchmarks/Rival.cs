using System.Globalization;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>PyTorch, by rival.py: the same layers, which it gets as JSON.</summary>
internal static class Rival
{
    /// <summary>Where PyTorch is.</summary>
    public const string Python = "/usr/bin/python3";

    private const double Seconds = 4;

    /// <summary>Whether it is there.</summary>
    public static bool IsThere() => Programs.TryRun(Python, ["-c", "import torch"], out _);

    /// <summary>Whether it trains in several processes.</summary>
    public static bool HasGloo() =>
        Programs.TryRun(Python, ["-c", "import torch.distributed as d; d.ProcessGroupGloo"], out _);

    /// <summary>Trains; images/s and the process' peak memory in bytes.</summary>
    public static (double Speed, double Bytes) Train(
        string model, ImageShape images, int batch, int threads, int processes = 1)
    {
        double[] figures = RunModel("train", model, images, batch, threads, [$"{processes}"]);
        return (figures[0], figures[1]);
    }

    /// <summary>Runs forward; images/s and the process' peak memory in bytes.</summary>
    public static (double Speed, double Bytes) Infer(string model, ImageShape images, int threads)
    {
        double[] figures = RunModel("infer", model, images, batch: 1, threads, []);
        return (figures[0], figures[1]);
    }

    /// <summary>Milliseconds an image of a 3x3 convolution: forward, input gradient, weight gradient.</summary>
    public static double[] Layer(int inputs, int outputs, int side, int threads) =>
        Run(["layer", $"{inputs}", $"{outputs}", $"{side}", $"{threads}", Text(Seconds / 4)])[..3];

    private static double[] RunModel(
        string task, string model, ImageShape images, int batch, int threads, string[] more)
    {
        string path = Path.GetTempFileName();
        Sequential layers = Catalogue.Find(model, images.C)!;
        File.WriteAllText(path, ModelSpec.Write(layers).ToJsonString());
        double[] figures = Run(
        [
            task, path, $"{images.C}", $"{images.H}", $"{images.W}", $"{batch}", $"{threads}", Text(Seconds), .. more,
        ]);
        File.Delete(path);
        return figures;
    }

    private static double[] Run(string[] arguments) =>
        Programs.TryRun(Python, [Path.Combine(AppContext.BaseDirectory, "rival.py"), .. arguments], out string output)
            ? [.. output.Split(' ').Select(each => double.Parse(each, CultureInfo.InvariantCulture))]
            : throw new InvalidOperationException("PyTorch failed.");

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
