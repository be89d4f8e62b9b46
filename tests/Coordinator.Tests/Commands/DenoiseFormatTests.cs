using System.Buffers.Binary;
using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Formats of <c>denoise</c>: what training reads comes in, PNG of as many bits goes out.</summary>
public sealed class DenoiseFormatTests : IDisposable
{
    private const int Pixels = 6 * 4;
    private static readonly ImageShape s_shape = new(3, 4, 6);
    private readonly CommandRunner _runner = new();
    private readonly TinyRun _run = new();

    public void Dispose()
    {
        _runner.Dispose();
        _run.Dispose();
    }

    /// <summary>The same 16-bit picture in each format: results of 16 bits, equal to the model's output.</summary>
    [Theory]
    [InlineData("png")]
    [InlineData("ppm")]
    [InlineData("npy")]
    public async Task SixteenBits_ComeOutAsSixteenBits(string format)
    {
        ushort[] stored = [.. Enumerable.Range(0, 3 * Pixels).Select(i => (ushort)(i * 907))];
        string input = _run["deep." + format];
        await File.WriteAllBytesAsync(input, format switch
        {
            "png" => Png(stored),
            "ppm" => [.. "P6 6 4 65535\n"u8, .. Bytes(stored, BinaryPrimitives.WriteUInt16BigEndian)],
            _ => Npy("<u2", "1, 3, 4, 6", Bytes(Planar(stored), BinaryPrimitives.WriteUInt16LittleEndian)),
        });

        int code = await _runner.RunAsync("denoise", "--run", _run.Run, input, _run["out.png"]);

        Assert.True(code == ExitCodes.Done, _runner.Error);
        Assert.Contains("(6 x 4, 16 bits)", _runner.Output, StringComparison.Ordinal);
        float[] values = [.. Planar(stored).Select(value => (float)(value / 65535.0))];
        AssertStored(Predict(values), StoredPicture.Read(_run["out.png"]), 65535);
    }

    [Fact]
    public async Task PgmOfEightBits_AndFloats_AreRead()
    {
        using TinyRun grey = new(channels: 1);
        byte[] floats = [.. Enumerable.Range(0, Pixels).SelectMany(i => BitConverter.GetBytes(i / 24f))];
        await File.WriteAllBytesAsync(grey["f.npy"], Npy("<f4", "4, 6", floats));
        byte[] bytes = [.. Enumerable.Range(0, Pixels).Select(i => (byte)(i * 9))];
        await File.WriteAllBytesAsync(grey["g.pgm"], [.. "P5 6 4 255\n"u8, .. bytes]);

        Assert.Equal(
            ExitCodes.Done, await _runner.RunAsync("denoise", "--run", grey.Run, grey["f.npy"], grey["f.png"]));
        Assert.Equal(
            ExitCodes.Done, await _runner.RunAsync("denoise", "--run", grey.Run, grey["g.pgm"], grey["g.png"]));

        Assert.Equal(16, StoredPicture.Read(grey["f.png"]).Bits);
        Assert.Equal((6, 4, 1), Size(PngDecoder.Decode(grey["g.png"])));
    }

    [Fact]
    public async Task Folder_OfSeveralFormats_GivesPngs_AndRefusesTwoOfOneName()
    {
        _run.WritePng("in/a.png");
        await File.WriteAllBytesAsync(_run["in", "b.ppm"], [.. "P6 6 4 255\n"u8, .. new byte[3 * Pixels]]);
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, _run["in"], _run["out"]));
        Assert.Equal(
            ["a.png", "b.png"],
            Directory.GetFiles(_run["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        _run.WritePng("in/b.png");
        await RefusedAsync("both be written", _run["in"], _run["other"]);
        Assert.False(Directory.Exists(_run["other"]));
    }

    /// <summary>[C, H, W] is one picture for a model of C channels: what [1, C, H, W] gives.</summary>
    [Fact]
    public async Task Npy_OfThreeChannelsWithoutACount_IsOnePicture()
    {
        byte[] pixels = [.. Enumerable.Range(0, 3 * Pixels).Select(i => (byte)(i * 7))];
        await File.WriteAllBytesAsync(_run["one.npy"], Npy("|u1", "1, 3, 4, 6", pixels));
        await File.WriteAllBytesAsync(_run["chw.npy"], Npy("|u1", "3, 4, 6", pixels));
        foreach (string name in new[] { "one", "chw" })
        {
            Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
                "denoise", "--run", _run.Run, _run[name + ".npy"], _run[name + "-out.npy"]));
        }

        Assert.Equal(
            await File.ReadAllBytesAsync(_run["one-out.npy"]), await File.ReadAllBytesAsync(_run["chw-out.npy"]));
    }

    [Fact]
    public async Task WhatIsNotOnePicture_OrNoPng_IsRefused()
    {
        await File.WriteAllBytesAsync(_run["many.npy"], Npy("|u1", "2, 3, 4, 6", new byte[6 * Pixels]));
        await RefusedAsync("holds 2 images", _run["many.npy"], _run["out.png"]);
        await File.WriteAllBytesAsync(_run["pairs.npy"], Npy("|u1", "2, 1, 3, 4, 6", new byte[6 * Pixels]));
        await RefusedAsync("pairs of images", _run["pairs.npy"], _run["out.png"]);
        await RefusedAsync("PNG, TIFF or .npy is written", _run.WritePng("in.png"), _run["out.jpg"]);
        await RefusedAsync("PNG, TIFF or .npy is written", _run["in.png"], _run["out.ppm"]);
        await RefusedAsync("png is written", _run["in.png"], _run["out.tif"], "--format", "png");
    }

    [Fact]
    public void Values_OfARange_KeepTheirStoredNumbers()
    {
        File.WriteAllBytes(_run["camera.png"], Png([.. Enumerable.Repeat((ushort)2048, 3 * Pixels)]));
        StoredPicture picture = StoredPicture.Read(_run["camera.png"], 0, 4096);
        Assert.Equal((16, 0, 4096), (picture.Bits, picture.Low, picture.High));
        Assert.All(picture.Values, value => Assert.Equal(0.5f, value));
    }

    private async Task RefusedAsync(string what, string input, string output, params string[] more)
    {
        string[] arguments = ["denoise", "--run", _run.Run, input, output, .. more];
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync(arguments));
        Assert.Contains(what, _runner.ErrorLines[^2], StringComparison.Ordinal);
    }

    private float[] Predict(float[] values)
    {
        Plan plan = _run.Model.Compile(s_shape);
        Replica replica = plan.CreateReplica();
        replica.Load(_run.Parameters);
        Predictor predictor = new(plan);
        values.CopyTo(predictor.Input, 0);
        predictor.Run(replica);
        return predictor.Output;
    }

    private static void AssertStored(float[] expected, StoredPicture actual, double largest)
    {
        Assert.Equal((16, s_shape), (actual.Bits, actual.Shape));
        Assert.Contains(actual.Values, value => value is > 0 and < 1);
        Assert.All(Enumerable.Range(0, expected.Length), i => Assert.Equal(
            Math.Round(Math.Clamp(expected[i] * largest, 0, largest), MidpointRounding.AwayFromZero),
            Math.Round(actual.Values[i] * largest)));
    }

    private static (int W, int H, int C) Size(PngImage picture) => (picture.Width, picture.Height, picture.Channels);

    private static byte[] Png(ushort[] stored)
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(s_shape.W, s_shape.H, s_shape.C, stored, stream);
        return stream.ToArray();
    }

    private static ushort[] Planar(ushort[] stored) =>
        [.. Enumerable.Range(0, stored.Length).Select(i => stored[(i % Pixels * 3) + (i / Pixels)])];

    private delegate void Writer(Span<byte> destination, ushort value);

    private static byte[] Bytes(ushort[] values, Writer write)
    {
        byte[] bytes = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            write(bytes.AsSpan(2 * i), values[i]);
        }

        return bytes;
    }

    private static byte[] Npy(string type, string shape, byte[] data)
    {
        byte[] header = Encoding.ASCII.GetBytes(
            $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. data];
    }
}
