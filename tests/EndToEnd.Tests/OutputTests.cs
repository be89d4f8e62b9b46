using System.Text.Json;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data.Png;

namespace Distributed.EndToEnd.Tests;

/// <summary>What a run leaves is whole and agrees with itself.</summary>
public sealed class OutputTests
{
    private static readonly string[] s_numbers =
        ["steps", "epochs", "loss", "psnr", "psnrMeanPerImage", "imagesPerSecond", "seconds", "workers"];

    /// <summary>One run, and every command that reads it.</summary>
    [Fact]
    public async Task Train_Done_ShardsFilesThatOtherCommandsRead()
    {
        using TestFolder folder = new();
        PairFile.Write(folder["train.pkl"], 40);
        PairFile.Write(folder["val.pkl"], 6);
        ProcessResult result = await CoordinatorProcess.RunAsync(
            folder.Folder,
            "train", "--json", "--data", "train.pkl", "--validation", "val.pkl", "--model", "n2n-initial:channels=4",
            "--batch", "8", "--epochs", "6", "--workers", "2", "--run", "run");
        string sha = Runs.Sha(result);
        JsonElement summary = Runs.Summary(result);
        Assert.All(s_numbers, name => Assert.Equal(JsonValueKind.Number, summary.GetProperty(name).ValueKind));
        Assert.Equal(JsonValueKind.Null, summary.GetProperty("psnrEstimated").ValueKind);
        Assert.Equal(JsonValueKind.Null, summary.GetProperty("accuracy").ValueKind);
        Assert.Equal(30, summary.GetProperty("steps").GetInt32());
        Assert.Equal(6, summary.GetProperty("epochs").GetDouble());
        Assert.Equal(2, summary.GetProperty("workers").GetInt32());
        Assert.Equal(0, summary.GetProperty("recomputedShards").GetInt32());
        Assert.Equal(folder["run"], summary.GetProperty("run").GetString());
        double images = summary.GetProperty("imagesPerSecond").GetDouble() * summary.GetProperty("seconds").GetDouble();
        Assert.Equal(240, images, tolerance: 0.01);

        Assert.Equal(Enumerable.Range(1, 30), Runs.MetricSteps(folder["run"]));
        double psnr = summary.GetProperty("psnr").GetDouble();
        JsonElement last = JsonDocument.Parse(File.ReadAllLines(folder["run/metrics.jsonl"])[^1]).RootElement;
        Assert.Equal(psnr, last.GetProperty("psnr").GetDouble());
        CheckPreviews(folder["run/previews"]);

        await EvaluateAsync(folder, psnr, sha, "--run", "run");
        await EvaluateAsync(
            folder, psnr, sha, "--data", "val.pkl", "--weights", "run/model.safetensors", "--model",
            "n2n-initial:channels=4");
        await DenoiseAsync(folder);
        await ExportAsync(folder);
    }

    private static void CheckPreviews(string previews)
    {
        string[] pictures = Directory.GetFiles(previews, "*.png");
        Assert.NotEmpty(pictures);
        foreach (string path in pictures)
        {
            PngImage picture = PngDecoder.Decode(path);
            Assert.True(picture is { Channels: 3, Width: > 96, Height: >= 32 }, $"{picture.Width}x{picture.Height}");
        }
    }

    private static async Task EvaluateAsync(TestFolder folder, double psnr, string sha, params string[] what)
    {
        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, ["evaluate", "--json", .. what]);
        Assert.Equal(sha, Runs.Sha(result));
        Assert.Equal(psnr, Runs.Summary(result).GetProperty("psnr").GetDouble());
    }

    private static async Task DenoiseAsync(TestFolder folder)
    {
        byte[] pixels = new byte[53 * 41 * 3];
        new Random(1).NextBytes(pixels);
        using (FileStream file = File.Create(folder["noisy.png"]))
        {
            PngEncoder.Encode(new PngImage(53, 41, 3, pixels), file);
        }

        ProcessResult result = await CoordinatorProcess.RunAsync(
            folder.Folder, "denoise", "--run", "run", "noisy.png", "clean.png");
        Assert.True(result.ExitCode == 0, result.ToString());
        PngImage clean = PngDecoder.Decode(folder["clean.png"]);
        Assert.Equal((53, 41, 3), (clean.Width, clean.Height, clean.Channels));
        Assert.NotEqual(pixels, clean.Pixels);
    }

    private static async Task ExportAsync(TestFolder folder)
    {
        ProcessResult result = await CoordinatorProcess.RunAsync(
            folder.Folder, "export", "--run", "run", "out.safetensors");
        Assert.True(result.ExitCode == 0, result.ToString());
        SafetensorsFile model = SafetensorsFile.Read(folder["run/model.safetensors"]);
        SafetensorsFile exported = SafetensorsFile.Read(folder["out.safetensors"]);
        Assert.Equal(
            model.Tensors.Select(tensor => (tensor.Name, Values: Hex(tensor))),
            exported.Tensors.Select(tensor => (tensor.Name, Values: Hex(tensor))));
        static string Hex(SafetensorsTensor tensor) =>
            string.Join(' ', tensor.ReadFloats().Select(value => BitConverter.SingleToUInt32Bits(value)));
    }
}
