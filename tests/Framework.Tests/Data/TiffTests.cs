using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>TIFF files of all kinds: what was written is what is read.</summary>
public sealed class TiffTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<int, int, int, bool, bool, int> Kinds()
    {
        TheoryData<int, int, int, bool, bool, int> kinds = [];
        foreach (int compression in new[] { 1, 5, 8, 32946, 32773 })
        {
            foreach (int bits in new[] { 8, 16, 32 })
            {
                foreach (int samples in new[] { 1, 3 })
                {
                    kinds.Add(compression, bits, samples, false, false, 0);
                    kinds.Add(compression, bits, samples, true, false, 16);
                    kinds.Add(compression, bits, samples, true, true, 0);
                    kinds.Add(compression, bits, samples, false, true, 16);
                }
            }
        }

        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_EveryKind_GivesWhatWasWritten(
        int compression, int bits, int samples, bool bigEndian, bool planar, int tile)
    {
        foreach (int predictor in bits == 32 ? new[] { 1, 3 } : [1, 2])
        {
            TiffWriter writer = new(37, 21, samples, bits)
            {
                Compression = compression,
                IsBigEndian = bigEndian,
                IsPlanar = planar,
                Tile = tile,
                Predictor = predictor,
                Photometric = samples == 3 ? 2 : 1,
                SampleFormat = bits == 32 ? 3 : 1,
            };
            uint[] page = Pixels(37 * 21 * samples, bits);
            string path = _folder.Write("image.tif", writer.Write(page));

            Assert.Equal(Expected(page, samples, bits), Assert.Single(SourceReading.Clean(path)));
        }
    }

    [Fact]
    public void Read_LongLzw_FillsItsTableManyTimes()
    {
        uint[] page = new uint[300 * 200];
        uint state = 1;
        for (int i = 0; i < page.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            page[i] = (state >> 24) & (i < 30_000 ? 0xFFu : 0x03u);
        }

        TiffWriter writer = new(300, 200, 1, 8) { Compression = 5, RowsPerStrip = 200 };
        string path = _folder.Write("image.tif", writer.Write(page));

        float[] read = SourceReading.Clean(path, new DataOptions { Crop = 200 })[0];
        PairSource whole = DataSources.OpenTraining(
            new DataOptions { Source = path, Noise = "gaussian:1", CleanTargets = true, Crop = 200 });
        Assert.Equal(new ImageShape(1, 200, 200), whole.Shape);
        // The window is somewhere in the picture; its first row is one of the picture's.
        int[] starts = [.. Enumerable.Range(0, 101).Where(left =>
            Enumerable.Range(0, 200).All(x => read[x] == page[left + x] / 255f))];
        Assert.Single(starts);
        Assert.Equal(page.Skip(starts[0] + (300 * 199)).Take(200).Select(v => v / 255f), read.TakeLast(200));
    }

    [Fact]
    public void Read_PaletteWhiteIsZeroAndAlpha_AreUnderstood()
    {
        ushort[] palette = [.. Enumerable.Range(0, 768).Select(i => (ushort)(i * 85))];
        byte[] file = new TiffWriter(2, 1, 1, 8) { Photometric = 3, Palette = palette }.Write([3, 200]);
        float[] colours = SourceReading.Clean(_folder.Write("palette.tif", file))[0];
        Assert.Equal(
            new[] { 3, 200, 259, 456, 515, 712 }.Select(i => ((i * 85) >> 8) / 255f), colours);

        file = new TiffWriter(2, 1, 1, 16) { Photometric = 0 }.Write([0, 65535]);
        Assert.Equal([1f, 0f], SourceReading.Clean(_folder.Write("white.tif", file))[0]);

        file = new TiffWriter(1, 1, 4, 8) { Photometric = 2, ExtraSamples = [1] }.Write([255, 0, 51, 9]);
        Assert.Equal([1f, 0f, 0.2f], SourceReading.Clean(_folder.Write("alpha.tif", file))[0]);

        file = new TiffWriter(1, 1, 5, 8) { ExtraSamples = [0, 0, 0, 0] }.Write([255, 0, 51, 0, 255]);
        Assert.Equal([1f, 0f, 0.2f, 0f, 1f], SourceReading.Clean(_folder.Write("channels.tif", file))[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_Doubles_BecomeFloats(bool bigEndian)
    {
        // As pairs of 32-bit words, upper word first where the upper byte is: 1.0 and -0.5.
        uint[] words = bigEndian ? [0x3FF00000, 0, 0xBFE00000, 0] : [0, 0x3FF00000, 0, 0xBFE00000];
        TiffWriter writer = new(4, 1, 1, 32) { IsBigEndian = bigEndian, SampleFormat = 3 };
        byte[] file = writer.Write(words);
        Patch(file, 256, 2, bigEndian);
        Patch(file, 258, 64, bigEndian);

        Assert.Equal([1f, -0.5f], SourceReading.Clean(_folder.Write("doubles.tif", file))[0]);
    }

    [Fact]
    public void Read_Pages_ArePairsWithoutNoise()
    {
        TiffWriter writer = new(2, 1, 1, 8);
        string path = _folder.Write("pages.tif", writer.Write([0, 51], [102, 153], [1, 2], [3, 4]));
        PairSource pairs = SourceReading.Training(path);

        Assert.Equal((2, new ImageShape(1, 1, 2)), (pairs.Count, pairs.Shape));
        Assert.Equal([0f, 0.2f], pairs.Pair(0).Input);
        Assert.Equal([0.4f, 0.6f], pairs.Pair(0).Target);
        Assert.Equal(4, SourceReading.Training(path, "gaussian:25").Count);
        string odd = _folder.Write("odd.tif", writer.Write([0, 51], [102, 153], [1, 2]));
        Assert.Throws<ConfigurationException>(() => SourceReading.Training(odd));
    }

    [Fact]
    public void Read_WhatIsNotSupported_IsRefusedByName()
    {
        Refused("compression 7 (JPEG)", new TiffWriter(2, 1, 1, 8) { Compression = 7 }.Write([1, 2]));
        Refused("12 bits", new TiffWriter(2, 1, 1, 12).Write([1, 2]));
        Refused("64 bits, signed", new TiffWriter(2, 1, 1, 64) { SampleFormat = 2 }.Write([1, 2]));
        Refused("colours of kind 6", new TiffWriter(1, 1, 3, 8) { Photometric = 6 }.Write([1, 2, 3]));
        Refused("offsets do not have 8 bytes", [.. "II"u8, 43, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Refused("palette", new TiffWriter(2, 1, 1, 8) { Photometric = 3, Palette = [1, 2, 3] }.Write([1, 2]));
    }

    private static uint[] Pixels(int count, int bits) => [.. Enumerable.Range(0, count).Select(i => bits switch
    {
        8 => (uint)((i * i / 7) & 0xF8),
        16 => (uint)(i * 2749 % 65536),
        _ => BitConverter.SingleToUInt32Bits((i * 0.37f) - 20),
    })];

    private static float[] Expected(uint[] page, int samples, int bits)
    {
        float[] values = new float[page.Length];
        int pixels = page.Length / samples;
        for (int i = 0; i < page.Length; i++)
        {
            uint stored = page[i];
            values[(i % samples * pixels) + (i / samples)] = bits switch
            {
                8 => (float)(stored / 255.0),
                16 => (float)(stored / 65535.0),
                _ => BitConverter.UInt32BitsToSingle(stored),
            };
        }

        return values;
    }

    /// <summary>Gives a tag of one value, in the only directory, another value.</summary>
    private static void Patch(byte[] file, int tag, byte value, bool bigEndian)
    {
        (byte upper, byte lower) = ((byte)(tag >> 8), (byte)tag);
        int entry = file.AsSpan(16).IndexOf(bigEndian ? [upper, lower, 0] : new byte[] { lower, upper }) + 16;
        bool isShort = file[entry + (bigEndian ? 3 : 2)] == 3;
        file[entry + 8 + (bigEndian ? (isShort ? 1 : 3) : 0)] = value;
    }

    private void Refused(string what, byte[] file)
    {
        string path = _folder.Write("refused.tif", file);
        DataException fault = Assert.Throws<DataException>(() => SourceReading.Training(path, "gaussian:25"));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
    }
}
