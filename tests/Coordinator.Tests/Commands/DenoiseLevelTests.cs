using System.Runtime.InteropServices;
using Distributed.Framework.Data;
using Distributed.Framework.Layers;
using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>The noise level that <c>denoise</c> tells a model: estimated, or as <c>--sigma</c> says.</summary>
public sealed class DenoiseLevelTests : IDisposable
{
    private const int Side = 24;
    private static readonly ImageShape s_shape = new(1, Side, Side);
    private readonly CommandRunner _runner = new();
    private readonly TinyRun _run = new();
    private readonly float[] _picture;

    public DenoiseLevelTests()
    {
        Random random = new(5);
        _picture = [.. Enumerable.Range(0, s_shape.Elements).Select(_ => random.NextSingle())];
        StoredPictures picture = StoredPictures.Read(WriteNpy("in.npy", _picture));
        Assert.Equal(s_shape, picture.Pictures[0].Shape);

        // What comes out is the picture plus the level that the model was told.
        Network network = new(new Sequential(new NoiseLevelMap(), new Conv2d(2, 1, 1)));
        (Tensor weight, _) = network.Param()[0];
        weight.Span.Fill(1);
        network.Param()[1].Parameter.Span.Clear();
        network.Save(_run["sum.safetensors"]);
    }

    public void Dispose()
    {
        _runner.Dispose();
        _run.Dispose();
    }

    [Fact]
    public async Task Level_IsEstimatedFromThePicture_OrAsGiven_AndSaid()
    {
        await DenoiseAsync();
        double sigma = NoiseEstimate.Sigma(_picture, s_shape);
        AssertAdded((float)sigma);
        Assert.Contains(
            $"noise of about {255 * sigma:0} of 255, which the model was told",
            _runner.Output,
            StringComparison.Ordinal);

        await DenoiseAsync("--sigma", "51");
        AssertAdded(0.2f);
        Assert.Contains("the model was told 51, as --sigma says", _runner.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sigma_ForABlindModel_IsRefusedByName()
    {
        int code = await _runner.RunAsync(
            "denoise", "--run", _run.Run, _run.WritePng("p.png"), _run["out.png"], "--sigma", "25");

        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("--sigma does not apply to model n2n-initial", _runner.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_run["out.png"]));
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(
            "denoise", "--run", _run.Run, _run["p.png"], _run["out.png"], "--sigma", "-1"));
    }

    private async Task DenoiseAsync(params string[] more)
    {
        int code = await _runner.RunAsync(
            ["denoise", "--weights", _run["sum.safetensors"], _run["in.npy"], _run["out.npy"], "--force", .. more]);
        Assert.True(code == ExitCodes.Done, _runner.Error);
    }

    private void AssertAdded(float level)
    {
        float[] output = StoredPictures.Read(_run["out.npy"]).Pictures[0].Values;
        for (int i = 0; i < output.Length; i++)
        {
            Assert.Equal(_picture[i] + level, output[i], 1e-6f);
        }
    }

    private string WriteNpy(string name, float[] values)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, {Side}, {Side}), }}\n";
        File.WriteAllBytes(
            _run[name],
            [
                0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8),
                .. System.Text.Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes<float>(values),
            ]);
        return _run[name];
    }
}
