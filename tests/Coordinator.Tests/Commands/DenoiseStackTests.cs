using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Stacks in, stacks out; and what travels with weights.</summary>
public sealed class DenoiseStackTests : IDisposable
{
    private const int Pixels = 4 * 6;
    private readonly CommandRunner _runner = new();
    private readonly TinyRun _run = new(channels: 1);

    public void Dispose()
    {
        _runner.Dispose();
        _run.Dispose();
    }

    /// <summary>Floats in counts: the numbers of the input, unclamped, image by image what the model gives.</summary>
    [Theory]
    [InlineData("tif")]
    [InlineData("npy")]
    public async Task Floats_ComeOutAsFloats_InTheirOwnNumbers(string format)
    {
        float[] counts = [.. Enumerable.Range(0, 3 * Pixels).Select(i => (float)((i * 37 % 500) - 20))];
        string input = WriteNpy("in.npy", "<f4", "3, 4, 6", MemoryMarshal.AsBytes(counts.AsSpan()).ToArray());
        await DenoiseAsync(input, _run["out." + format], "--range", "0:400");

        Assert.Contains("3 images, 6 x 4, floats", _runner.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("clamped", _runner.Output, StringComparison.Ordinal);
        StoredPictures output = StoredPictures.Read(_run["out." + format], 0, 400);
        Assert.Equal(3, output.Pictures.Count);
        for (int i = 0; i < 3; i++)
        {
            float[] expected = Predict([.. counts.Skip(i * Pixels).Take(Pixels).Select(v => (float)(v / 400.0))]);
            Assert.Equal("float32", output.Pictures[i].Type);
            for (int j = 0; j < Pixels; j++)
            {
                Assert.Equal(expected[j], output.Pictures[i].Values[j], 1e-5);
            }
        }
    }

    [Fact]
    public async Task TiffStack_OfSixteenBits_ComesOutAsOne_WithItsAxes()
    {
        ushort[] stored = [.. Enumerable.Range(0, 4 * Pixels).Select(i => (ushort)(i * 601))];
        string npy = WriteNpy("in.npy", "<u2", "4, 4, 6", MemoryMarshal.AsBytes(stored.AsSpan()).ToArray());
        await DenoiseAsync(npy, _run["in.tif"]);
        await DenoiseAsync(_run["in.tif"], _run["out.tif"]);
        await DenoiseAsync(_run["in.tif"], _run["again.npy"]);

        StoredPictures stack = StoredPictures.Read(_run["out.tif"]);
        Assert.Equal(("uint16", 4), (stack.Description.Type, stack.Pictures.Count));
        StoredPictures array = StoredPictures.Read(_run["again.npy"]);
        Assert.Equal(array.Pictures.SelectMany(one => one.Values), stack.Pictures.SelectMany(one => one.Values));
        float[] expected = Predict(StoredPictures.Read(_run["in.tif"]).Pictures[2].Values);
        for (int i = 0; i < Pixels; i++)
        {
            Assert.Equal(Math.Clamp(expected[i], 0, 1), stack.Pictures[2].Values[i], 0.51 / 65535);
        }
    }

    [Fact]
    public async Task Channels_OfAHyperstack_KeepTheirAxes()
    {
        using TinyRun two = new(channels: 2);
        StoredPictures stack = Hyperstack(two["in.tif"]);
        Assert.Equal((2, new ImageShape(2, 4, 6)), (stack.Pictures.Count, stack.Pictures[0].Shape));
        Assert.True(
            await _runner.RunAsync("denoise", "--run", two.Run, two["in.tif"], two["out.tif"]) == ExitCodes.Done,
            _runner.Error);
        StoredPictures output = StoredPictures.Read(two["out.tif"]);
        Assert.Equal((2, new ImageShape(2, 4, 6)), (output.Pictures.Count, output.Pictures[0].Shape));
        Assert.Contains(
            "channels=2\nslices=1\nframes=2",
            Encoding.Latin1.GetString(await File.ReadAllBytesAsync(two["out.tif"])),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_WithADamagedPicture_WritesTheOthersAndNamesIt()
    {
        foreach (string name in new[] { "a.png", "b.png", "c.png" })
        {
            _run.WritePng(Path.Combine("in", name), channels: 1);
        }

        await File.WriteAllBytesAsync(_run["in", "b.png"], (await File.ReadAllBytesAsync(_run["in", "b.png"]))[..40]);
        await File.WriteAllBytesAsync(_run["in", "._a.png"], [0, 5, 22, 7]);
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, _run["in"], _run["out"]));

        Assert.Equal(
            ["a.png", "c.png"],
            Directory.GetFiles(_run["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("1 of 3 pictures", _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("b.png", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    /// <summary>[H, W, C] gives what [C, H, W] gives, in its own order; a stack [N, H, W] stays one.</summary>
    [Fact]
    public async Task ChannelsThatAreLast_AreChannels_AndStayLast()
    {
        using TinyRun colour = new(channels: 3);
        byte[] planes = [.. Enumerable.Range(0, 3 * 5 * 7).Select(i => (byte)(i * 53))];
        byte[] pixels = [.. Enumerable.Range(0, planes.Length).Select(i => planes[(i % 3 * 35) + (i / 3)])];
        string first = WriteNpy("first.npy", "|u1", "3, 5, 7", planes);
        string last = WriteNpy("last.npy", "|u1", "5, 7, 3", pixels);
        foreach (string input in new[] { first, last })
        {
            int code = await _runner.RunAsync("denoise", "--run", colour.Run, input, input + ".out.npy");
            Assert.True(code == ExitCodes.Done, _runner.Error);
        }

        byte[] expected = await File.ReadAllBytesAsync(first + ".out.npy");
        byte[] actual = await File.ReadAllBytesAsync(last + ".out.npy");
        Assert.Contains("'shape': (3, 5, 7)", Encoding.Latin1.GetString(expected), StringComparison.Ordinal);
        Assert.Contains("'shape': (5, 7, 3)", Encoding.Latin1.GetString(actual), StringComparison.Ordinal);
        (expected, actual) = (expected[^105..], actual[^105..]);
        Assert.Equal(Enumerable.Range(0, 105).Select(i => expected[(i % 3 * 35) + (i / 3)]), actual);

        // A grey model takes the stack [N, H, W], and refuses the picture.
        await DenoiseAsync(first, _run["stack.npy"]);
        Assert.Contains("3 images, 7 x 5", _runner.Output, StringComparison.Ordinal);
        Assert.NotEqual(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, last, _run["x.npy"]));
        Assert.Contains("RGB (3 channels)", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task FolderOfArrays_GivesArrays_OrWhatIsAskedFor()
    {
        Directory.CreateDirectory(_run["in"]);
        WriteNpy(Path.Combine("in", "x.npy"), "|u1", "4, 6", new byte[Pixels]);
        WriteNpy(Path.Combine("in", "y.npy"), "|u1", "1, 4, 6", new byte[Pixels]);
        await DenoiseAsync(_run["in"], _run["out"]);
        await DenoiseAsync(_run["in"], _run["tiffs"], "--format", "tiff");
        Assert.Equal(
            ["x.npy", "y.npy"], Directory.GetFiles(_run["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["x.tif", "y.tif"],
            Directory.GetFiles(_run["tiffs"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>A model that doubles: what does not fit is counted. Values off the scale are named.</summary>
    [Fact]
    public async Task WhatDoesNotFit_IsCounted_AndValuesOffTheScaleAreNamed()
    {
        string model = _run["twice.json"];
        await File.WriteAllTextAsync(
            model, """[{"type":"Conv2d","in_channels":1,"out_channels":1,"kernel_size":1}]""");
        NamedTensor[] tensors =
        [
            new("0.weight", [1, 1, 1, 1], new float[] { 2 }), new("0.bias", [1], new float[] { 0 }),
        ];
        AtomicFile.Write(_run["twice.safetensors"], stream => SafetensorsWriter.Write(stream, null, tensors));
        byte[] bytes = [.. Enumerable.Range(0, Pixels).Select(i => (byte)(i * 11))];
        string input = WriteNpy("in.npy", "|u1", "4, 6", bytes);
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "denoise", "--weights", _run["twice.safetensors"], "--model", model, input, _run["out.png"]));
        Assert.Contains("; 12 of 24 results clamped to 0 to 255", _runner.Output, StringComparison.Ordinal);
        Assert.Equal(
            [.. bytes.Select(value => (byte)Math.Min(255, 2 * value))],
            Framework.Data.Png.PngDecoder.Decode(_run["out.png"]).Pixels);

        float[] counts = [.. Enumerable.Repeat(-5000f, Pixels)];
        counts[0] = -4000;
        WriteNpy("off.npy", "<f4", "4, 6", MemoryMarshal.AsBytes(counts.AsSpan()).ToArray());
        await DenoiseAsync(_run["off.npy"], _run["off.png"]);
        Assert.Contains("far outside", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("--range -5000:0", _runner.Output, StringComparison.Ordinal);
    }

    /// <summary>Model and range are in the file: nothing else is needed for the same picture as with --run.</summary>
    [Fact]
    public async Task ExportedWeights_DenoiseAsTheRunDoes()
    {
        using TinyRun run = new(1, new DataOptions { RangeLow = 0, RangeHigh = 4095 });
        ushort[] stored = [.. Enumerable.Range(0, Pixels).Select(i => (ushort)(i * 150))];
        string input = WriteNpy("in.npy", "<u2", "4, 6", MemoryMarshal.AsBytes(stored.AsSpan()).ToArray());
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", run.Run, input, run["run.png"]));
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("export", "--run", run.Run, run["w.safetensors"]));
        Assert.Equal(
            ExitCodes.Done,
            await _runner.RunAsync("denoise", "--weights", run["w.safetensors"], input, run["weights.png"]));
        Assert.Equal(
            ExitCodes.Done,
            await _runner.RunAsync(
                "denoise", "--weights", run["w.safetensors"], "--range", "0:65535", input, run["other.png"]));

        byte[] expected = await File.ReadAllBytesAsync(run["run.png"]);
        Assert.Equal(expected, await File.ReadAllBytesAsync(run["weights.png"]));
        Assert.NotEqual(expected, await File.ReadAllBytesAsync(run["other.png"]));
        WeightsMetadata metadata = WeightsMetadata.Parse(StateDict.Read(run["w.safetensors"]).Metadata, "w");
        Assert.Equal((TinyRun.ModelName, (0.0, 4095.0)), (metadata.Model, metadata.Range));
    }

    [Fact]
    public async Task WeightsThatSayNothing_NeedAModel()
    {
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync(
            "denoise", "--weights", _run["run", "model.safetensors"], _run.WritePng("a.png"), _run["b.png"]));
        Assert.Contains("--model", _runner.ErrorLines[1], StringComparison.Ordinal);
    }

    /// <summary>Photon counts in floats: the range that they suggest becomes the run's.</summary>
    [Fact]
    public void RunData_OfCounts_TakesTheirRange_AndAResumedRunDoesNot()
    {
        float[] counts = [.. Enumerable.Range(0, 4 * Pixels).Select(i => (float)(i * 7))];
        string pairs = WriteNpy("p.npy", "<f4", "2, 2, 1, 4, 6", MemoryMarshal.AsBytes(counts.AsSpan()).ToArray());
        RunConfiguration asked = new() { Data = new DataOptions { Source = pairs } };

        RunData data = RunData.Open(asked);
        Assert.Equal((0.0, 1023.0), (data.Options.RangeLow, data.Options.RangeHigh));
        Assert.True(data.IsOf(asked));
        Assert.Equal(3, data.Lines.Count);
        Assert.Contains("--range 0:1023", data.Lines[0], StringComparison.Ordinal);
        Assert.Contains("2 of 1 x 4 x 6, float32, values from 0 to 0.65", data.Lines[1], StringComparison.Ordinal);
        Assert.Contains("Nothing is measured: 2 windows", data.Lines[2], StringComparison.Ordinal);

        RunData resumed = RunData.Open(asked with { DataHash = new string('0', 64) });
        Assert.Null(resumed.Options.RangeLow);
        Assert.Contains("--range 0:1023", resumed.Lines[0], StringComparison.Ordinal);
    }

    private async Task DenoiseAsync(string input, string output, params string[] more)
    {
        int code = await _runner.RunAsync(["denoise", "--run", _run.Run, input, output, .. more]);
        Assert.True(code == ExitCodes.Done, _runner.Error);
    }

    /// <summary>Two channels and two frames, written by this program itself from an array.</summary>
    private StoredPictures Hyperstack(string path)
    {
        string npy = WriteNpy("h.npy", "|u1", "2, 2, 4, 6", [.. Enumerable.Range(0, 4 * Pixels).Select(i => (byte)i)]);
        StoredPictures array = StoredPictures.Read(npy);
        using (FileStream stream = File.Create(path))
        {
            array.WriteTiff(stream, [.. array.Pictures.Select(picture => picture.Values)]);
        }

        StoredPictures stack = StoredPictures.Read(path);
        Assert.Equal(array.Pictures.SelectMany(one => one.Values), stack.Pictures.SelectMany(one => one.Values));
        return stack;
    }

    private float[] Predict(float[] values)
    {
        Plan plan = _run.Model.Compile(new ImageShape(1, 4, 6));
        Replica replica = plan.CreateReplica();
        replica.Load(_run.Parameters);
        Predictor predictor = new(plan);
        values.CopyTo(predictor.Input, 0);
        predictor.Run(replica);
        return [.. predictor.Output];
    }

    private string WriteNpy(string name, string type, string shape, byte[] data)
    {
        string header = string.Create(
            CultureInfo.InvariantCulture, $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        File.WriteAllBytes(
            _run[name],
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.Latin1.GetBytes(header), .. data]);
        return _run[name];
    }
}
