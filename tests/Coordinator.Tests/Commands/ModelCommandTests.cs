using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>evaluate, denoise and export on a run folder.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly TinyRun _run = new();

    public void Dispose()
    {
        _runner.Dispose();
        _run.Dispose();
    }

    [Fact]
    public async Task Evaluate_EqualsTheEvaluator_AndNamesBothDefinitions()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "evaluate", "--run", _run.Run, "--limit", "3", "--threads", "2", "--json"));

        PairSource source = new Framework.Data.Sources.LimitedSource(DataSources.OpenValidation(new DataOptions())!, 3);
        Plan plan = _run.Model.Compile(source.Shape);
        Replica replica = plan.CreateReplica();
        replica.Load(_run.Parameters);
        Evaluation expected = Evaluator.Evaluate(plan, replica, source, 1);
        JsonNode json = JsonNode.Parse(_runner.Output)!;
        Assert.Equal(expected.Psnr, (double)json["psnr"]!);
        Assert.Equal(expected.PsnrMeanPerImage, (double)json["psnrMeanPerImage"]!);
        Assert.Equal(expected.InputPsnr, (double)json["inputPsnr"]!);
        Assert.Equal(3, (int)json["pairs"]!);
        Assert.Equal(_run.Sha256, (string)json["weightsSha256"]!);
        Assert.Contains("dB over the global error", _runner.Error, StringComparison.Ordinal);
        Assert.Contains("dB mean per image", _runner.Error, StringComparison.Ordinal);
    }

    /// <summary>Small pictures say so; on large ones the filter's figure stands beside the model's.</summary>
    [Fact]
    public async Task Evaluate_WithBaseline_MeasuresNonLocalMeans()
    {
        string[] weights = ["--weights", _run["run", "model.safetensors"], "--model", TinyRun.ModelName];
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
        [
            "evaluate", .. weights, "--baseline", "nlm", "--data", _run.WritePng("small.png"),
            "--noise", "gaussian:10",
        ]));
        Assert.Contains("Baseline none: it takes clean pictures", _runner.Output, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
        [
            "evaluate", .. weights, "--baseline", "nlm", "--data", "scenes",
            "--noise", "gaussian:25", "--limit", "2", "--json",
        ]));
        JsonNode json = JsonNode.Parse(_runner.Output.Trim().Split('\n')[^1])!;
        Assert.InRange((double)json["psnrNonLocalMeans"]!, (double)json["inputPsnr"]! + 3, 50);
        Assert.Contains("dB by non-local means; the model", _runner.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_OtherPicturesAndWeights_AreTaken()
    {
        string picture = _run.WritePng("clean.png");
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "evaluate", "--weights", _run["run", "model.safetensors"], "--model", TinyRun.ModelName,
            "--data", picture, "--noise", "gaussian:10"));
        Assert.Contains("1 pairs [N, 3, 5, 7]", _runner.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_RunOnPairsWithoutValidation_SaysWhyItCannot()
    {
        using TinyRun run = new(data: new DataOptions { Source = "pairs.pkl" });
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", run.Run));
        Assert.Contains("nothing clean to measure against", _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("--data", _runner.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_RunOnCleanPicturesWithoutValidation_SaysSo()
    {
        using TinyRun run = new(data: new DataOptions { Source = "pictures", Noise = "gaussian:25" });
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", run.Run));
        Assert.Contains("only training images", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_GeneratedNoiseSaidToBeNoisyOnBothSides_IsRefused()
    {
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", _run.Run, "--noisy"));
        Assert.Contains("--noisy", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evaluate", "There is no model")]
    [InlineData("evaluate --run a --weights b --model c", "exclude each other")]
    [InlineData("evaluate --run a --model c", "--model belongs to --weights")]
    [InlineData("evaluate --weights b --model c --best", "--best belongs to --run")]
    [InlineData("denoise --run a in.png", "argument")]
    [InlineData("export out", "nothing to export")]
    [InlineData("export --run a --checkpoint b out", "exclude each other")]
    [InlineData("export --run a --format onnx out", "--format onnx")]
    public async Task WrongArguments_AreUsageFaults(string line, string part)
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(line.Split(' ')));
        Assert.Contains(part, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Equal(2, _runner.ErrorLines.Length);
    }

    [Theory]
    [InlineData("weights.pth")]
    [InlineData("weights.PT")]
    [InlineData("weights.onnx")]
    public async Task Export_NameOfAnotherFormat_IsRefusedAndNothingIsWritten(string name)
    {
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("export", "--run", _run.Run, _run[name]));
        Assert.Contains("safetensors is written", _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.False(File.Exists(_run[name]));
    }

    [Fact]
    public async Task Denoise_WholePicture_IsTheModelsOutputInBytes()
    {
        string noisy = _run.WritePng("noisy.png");
        string denoised = _run["new", "denoised.png"];
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, noisy, denoised));

        PngImage input = PngDecoder.Decode(noisy);
        PngImage output = PngDecoder.Decode(denoised);
        Plan plan = _run.Model.Compile(new ImageShape(3, 5, 7));
        Replica replica = plan.CreateReplica();
        replica.Load(_run.Parameters);
        Predictor predictor = new(plan);
        for (int i = 0; i < input.Pixels.Length; i++)
        {
            predictor.Input[(i % 3 * 35) + (i / 3)] = (float)(input.Pixels[i] / 255.0);
        }

        predictor.Run(replica);
        byte[] expected = [.. Enumerable.Range(0, input.Pixels.Length).Select(i =>
            (byte)Math.Round(predictor.Output[(i % 3 * 35) + (i / 3)] * 255.0, MidpointRounding.AwayFromZero))];
        Assert.Equal((7, 5, 3), (output.Width, output.Height, output.Channels));
        Assert.Equal(expected, output.Pixels);
    }

    [Fact]
    public async Task Denoise_Folder_WritesEachPictureUnderItsName()
    {
        _run.WritePng(Path.Combine("noisy", "a.png"));
        _run.WritePng(Path.Combine("noisy", "b.PNG"), width: 3, height: 9);
        File.WriteAllText(_run["noisy", "notes.txt"], "x");
        Assert.Equal(
            ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, _run["noisy"], _run["denoised"]));

        Assert.Equal(
            ["a.png", "b.PNG"],
            Directory.GetFiles(_run["denoised"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(9, PngDecoder.Decode(_run["denoised", "b.PNG"]).Height);
    }

    [Fact]
    public async Task Denoise_NeverWritesOverTheInput_NorOverOthersUnasked()
    {
        string noisy = _run.WritePng("noisy.png");
        string other = _run.WritePng("other.png", width: 2);
        string link = _run["link.png"];
        File.CreateSymbolicLink(link, noisy);
        byte[] before = File.ReadAllBytes(noisy);
        byte[] otherBefore = File.ReadAllBytes(other);

        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, noisy, noisy, "--force"));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, noisy, link, "--force"));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, noisy, other));
        Assert.Equal(before, File.ReadAllBytes(noisy));
        Assert.Equal(otherBefore, File.ReadAllBytes(other));
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, noisy, other, "--force"));
        Assert.NotEqual(otherBefore, File.ReadAllBytes(other));
    }

    [Fact]
    public async Task Denoise_WhatCannotBe_IsRefusedAndLeavesNothing()
    {
        string grey = _run.WritePng("grey.png", channels: 1);
        string broken = _run.WritePng("broken.png");
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..^20]);
        foreach (string input in new[] { grey, broken, _run["none.png"] })
        {
            string output = _run["out.png"];
            Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, input, output));
            Assert.Contains(_runner.ErrorLines, line => line.Contains(input, StringComparison.Ordinal));
        }

        Assert.Contains("grey (1 channel)", _runner.Error, StringComparison.Ordinal);
        Assert.Contains("RGB (3 channels)", _runner.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_run.Run)!, "out.png*"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Export_GivesTheParametersUnderPyTorchsNames(bool fromCheckpoint)
    {
        _run.WriteCheckpoints(3);
        string[] source = fromCheckpoint ? ["--checkpoint", _run.CheckpointPath(3)] : ["--run", _run.Run];
        string path = _run["out", "model.safetensors"];
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(["export", .. source, "--format", "safetensors", path]));

        SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(
            _run.Model.Parameters.Select(parameter => parameter.Name), file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(_run.Parameters, file.Tensors.SelectMany(tensor => tensor.ReadFloats()));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync(["export", .. source, path]));
    }

    [Fact]
    public void Loader_TakesTheNewestValidCheckpoint_AndTouchesNothing()
    {
        _run.WriteCheckpoints(8, 9, 10);
        File.WriteAllText(_run.CheckpointPath(10), "damaged");
        File.WriteAllText(_run.CheckpointPath(11) + AtomicFile.TemporarySuffix, "being written");

        Assert.Equal(_run.CheckpointPath(9), ModelLoader.FromRun(_run.Run).Weights);
        Assert.True(File.Exists(_run.CheckpointPath(11) + AtomicFile.TemporarySuffix));
    }

    [Fact]
    public async Task Loader_Faults_HaveTheirNumbers()
    {
        _run.WriteCheckpoints(8);
        File.WriteAllText(_run.CheckpointPath(8), "damaged");
        Assert.Equal(ExitCodes.NoValidCheckpoint, await _runner.RunAsync("evaluate", "--run", _run.Run));
        File.Delete(_run.CheckpointPath(8));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", _run.Run));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", _run.Run, "--best"));
        File.WriteAllText(_run["run", "config.json"], "{\"model\":7}");
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", _run.Run));
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("evaluate", "--run", _run["nothing"]));
    }
}
