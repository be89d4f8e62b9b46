using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Array files and plain pictures: what they hold is what is read.</summary>
public sealed class FileFormatTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Npy_PairsOfBytes_AreReadInTheirShape()
    {
        byte[] data = ArrayFiles.Counting(2 * 3 * 2 * 2 * 2);
        string path = _folder.Write("pairs.npy", ArrayFiles.Npy("|u1", "2, 3, 2, 2, 2", data, version: 2));
        PairSource source = SourceReading.Training(path);

        Assert.Equal((3, new ImageShape(2, 2, 2)), (source.Count, source.Shape));
        Assert.Equal(data.Skip(8).Take(8).Select(v => v / 255f), source.Pair(1).Input);
        Assert.Equal(data.Skip(32).Take(8).Select(v => v / 255f), source.Pair(1).Target);
        Assert.False(source.HasCleanTargets);
        Assert.Throws<ConfigurationException>(() => SourceReading.Training(path, "gaussian:25"));
    }

    [Theory]
    [InlineData("<u2", "0100FF00FFFF0080", 65535)]
    [InlineData(">u2", "000100FFFFFF8000", 65535)]
    [InlineData("<i2", "0100FF00FF7F0000", 32767)]
    [InlineData("<f4", "0000803F000000BF0000004000000000", 0)]
    [InlineData(">f8", "3FF0000000000000BFE000000000000040000000000000000000000000000000", 0)]
    [InlineData("<f2", "003C00B800400000", 0)]
    public void Npy_OtherTypes_AreConverted(string type, string hexadecimal, int maximum)
    {
        byte[] data = Convert.FromHexString(hexadecimal);
        string path = _folder.Write("images.npy", ArrayFiles.Npy(type, "1, 1, 2, 2", data));
        float[] expected = maximum switch
        {
            65535 => [1 / 65535f, 255 / 65535f, 1, 32768 / 65535f],
            32767 => [1 / 32767f, 255 / 32767f, 1, 0],
            _ => [1, -0.5f, 2, 0],
        };

        Assert.Equal(expected, SourceReading.Clean(path)[0]);
        DataOptions ranged = new() { RangeLow = 0, RangeHigh = 2 };
        float scale = maximum == 0 ? 1 : maximum;
        Assert.Equal(expected[0] * scale / 2, SourceReading.Clean(path, ranged)[0][0], 1e-6);
    }

    [Fact]
    public void Npy_ChannelsLastOrNone_AreUnderstood()
    {
        byte[] data = ArrayFiles.Counting(2 * 5 * 6 * 3);
        string last = _folder.Write("last.npy", ArrayFiles.Npy("|u1", "2, 5, 6, 3", data));
        PairSource source = SourceReading.Training(last, "gaussian:1");
        Assert.Equal((2, new ImageShape(3, 5, 6)), (source.Count, source.Shape));
        Assert.Equal(data[90 + 1] / 255f, SourceReading.Clean(last)[1][30]);

        string grey = _folder.Write("grey.npy", ArrayFiles.Npy("|u1", "4, 5, 9", data));
        Assert.Equal(new ImageShape(1, 5, 9), SourceReading.Training(grey, "gaussian:1").Shape);
        string single = _folder.Write("single.npy", ArrayFiles.Npy("|u1", "10, 18", data));
        Assert.Equal((1, new ImageShape(1, 10, 18)), (SourceReading.Clean(single).Length,
            SourceReading.Training(single, "gaussian:1").Shape));
    }

    [Fact]
    public void Npy_WhatIsNotRead_IsRefusedByName()
    {
        Refused("Fortran", ArrayFiles.Npy("|u1", "1, 1, 2, 2", new byte[4], order: "True"));
        Refused("'<c8'", ArrayFiles.Npy("<c8", "1, 1, 1, 2", new byte[16]));
        Refused("'|O'", ArrayFiles.Npy("|O", "1, 1, 1, 2", new byte[16]));
        Refused("[7]", ArrayFiles.Npy("|u1", "7,", new byte[7]));
        Refused("damaged", ArrayFiles.Npy("|u1", "1, 1, 2, 3", new byte[5]));
        Refused("damaged", ArrayFiles.Npy("|u1", "65536, 65536, 65536, 65536", new byte[5]));
        Refused("[0, 0, 0, 1] is NaN", ArrayFiles.Npy("<f4", "1, 1, 1, 2", [0, 0, 0, 0, 0, 0, 0xC0, 0x7F]));
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Npz_OneTwoOrLabelled_AreUnderstood(CompressionLevel level)
    {
        byte[] first = ArrayFiles.Npy("|u1", "3, 1, 2, 2", ArrayFiles.Counting(12));
        byte[] second = ArrayFiles.Npy("<f4", "3, 1, 2, 2", new byte[48]);
        byte[] labels = ArrayFiles.Npy("<i8", "3,", [2, 0, 0, 0, 0, 0, 0, 0, .. new byte[8], 1, .. new byte[7]]);

        string one = _folder.Write("one.npz", ArrayFiles.Npz(level, ("arr_0.npy", first)));
        Assert.Equal(15 / 255f, SourceReading.Clean(one)[0][3]);
        string two = _folder.Write("two.npz", ArrayFiles.Npz(level, ("noisy.npy", first), ("clean.npy", second)));
        Assert.Equal((3, 0f, 20 / 255f), (SourceReading.Training(two).Count,
            SourceReading.Training(two).Pair(1).Target[0], SourceReading.Training(two).Pair(1).Input[0]));
        string classes = _folder.Write("labels.npz", ArrayFiles.Npz(level, ("x.npy", first), ("y.npy", labels)));
        PairSource labelled = SourceReading.Training(classes);
        Assert.Equal((3, new ImageShape(3, 1, 1)), (labelled.ClassCount, labelled.TargetShape));
        Assert.Equal([0f, 0f, 1f], labelled.Pair(0).Target);
        Assert.Equal(0, SourceReading.Training(classes, "gaussian:25").ClassCount);
        Refused("[3, 1, 2, 2]", ArrayFiles.Npz(
            level, ("a.npy", first), ("b.npy", ArrayFiles.Npy("|u1", "3, 1, 1, 4", new byte[12]))));
    }

    [Fact]
    public void Npz_LabelledVectors_AreSamplesOfFeatures()
    {
        byte[] points = ArrayFiles.Npy("<f4", "3, 2", [.. Enumerable.Range(0, 6).SelectMany(i =>
            BitConverter.GetBytes(i / 8f))]);
        byte[] labels = ArrayFiles.Npy("<i8", "3,", [2, 0, 0, 0, 0, 0, 0, 0, .. new byte[8], 1, .. new byte[7]]);
        byte[] column = ArrayFiles.Npy("|u1", "3, 1", [2, 0, 1]);
        foreach (byte[] classes in (byte[][])[labels, column])
        {
            string path = _folder.Write("points.npz", ArrayFiles.Npz(
                CompressionLevel.Optimal, ("x.npy", points), ("y.npy", classes)));
            PairSource source = SourceReading.Training(path);
            Assert.Equal((3, new ImageShape(2, 1, 1), 3), (source.Count, source.Shape, source.ClassCount));
            Assert.Equal([2 / 8f, 3 / 8f], source.Pair(1).Input);
            Assert.Equal([1f, 0f, 0f], source.Pair(1).Target);
            PairSource opened = PackedBlocks.Reopen(source, new DataOptions(), _folder.File("packed"));
            Assert.Equal(source.Pair(2).Input, opened.Pair(2).Input);
        }

        byte[] wide = ArrayFiles.Npy("|u1", "3, 7", ArrayFiles.Counting(21));
        string features = _folder.Write("wide.npz", ArrayFiles.Npz(
            CompressionLevel.Optimal, ("x.npy", wide), ("y.npy", labels)));
        Assert.Equal([35 / 255f, 40 / 255f], SourceReading.Training(features).Pair(1).Input[..2]);
    }

    [Theory]
    [InlineData("0, 3, 32, 32", "is empty: its shape is (0, 3, 32, 32)")]
    [InlineData("0,", "is empty: its shape is (0,)")]
    [InlineData("", "a single number")]
    [InlineData("99999999999,", "damaged")]
    public void Npy_WithoutImages_SaysSo(string shape, string named) =>
        Refused(named, ArrayFiles.Npy("|u1", shape, new byte[shape.Length == 0 ? 1 : 0]));

    [Fact]
    public void File_OfNoBytes_IsCalledEmpty() => Refused("is empty: it has 0 bytes", []);

    [Fact]
    public void Idx_PlainAndCompressed_ImagesAndLabels()
    {
        byte[] images = ArrayFiles.Idx(8, [3, 2, 2], ArrayFiles.Counting(12));
        _folder.Write("train-labels-idx1-ubyte", ArrayFiles.Idx(8, [3], [1, 9, 0]));
        _folder.Write("t10k-labels-idx1-ubyte.gz", ArrayFiles.Gzip(ArrayFiles.Idx(8, [3], [9, 0, 0])));
        string plain = _folder.Write("train-images-idx3-ubyte", images);
        _folder.Write("t10k-images-idx3-ubyte.gz", ArrayFiles.Gzip(images));

        PairSource source = SourceReading.Training(plain);
        Assert.Equal((3, 10, new ImageShape(1, 2, 2)), (source.Count, source.ClassCount, source.Shape));
        Assert.Equal(1f, source.Pair(1).Target[9]);
        Assert.Equal(1f, source.Pair(1).Target.Sum());
        Assert.Equal(25 / 255f, source.Pair(1).Input[1]);

        DataOptions folder = new() { Source = _folder.Path };
        Assert.Equal(source.ContentHash, DataSources.OpenTraining(folder).ContentHash);
        Assert.Equal(1f, DataSources.OpenValidation(folder)!.Pair(0).Target[9]);
        Assert.Equal(_folder.Path, DataSources.ValidationOf(folder));
        Refused("labels", _folder.Write("train-labels-idx1-ubyte", ArrayFiles.Idx(8, [2], [1, 9])), plain);
        Refused("no images", ArrayFiles.Idx(8, [2], [1, 9]));
        Refused("damaged", ArrayFiles.Gzip(ArrayFiles.Idx(8, [3, 2, 3], new byte[17])));
        Refused("damaged", ArrayFiles.Gzip(ArrayFiles.Idx(8, [70000, 7000, 7000], new byte[17])));
    }

    [Fact]
    public void Cifar_FileOrFolder_IsForDenoisingOrForClasses()
    {
        string path = _folder.Write("data_batch_1.bin", ArrayFiles.Cifar(12, 0));
        _folder.Write("data_batch_2.bin", ArrayFiles.Cifar(3, 50));
        _folder.Write("test_batch.bin", ArrayFiles.Cifar(2, 90));
        DataOptions folder = new() { Source = _folder.Path };

        Assert.Equal((12, 10), (SourceReading.Training(path).Count, SourceReading.Training(path).ClassCount));
        PairSource all = DataSources.OpenTraining(folder);
        Assert.Equal((15, new ImageShape(3, 32, 32)), (all.Count, all.Shape));
        Assert.Equal((51 / 255f, 1f), (all.Pair(13).Input[9], all.Pair(13).Target[1]));
        Assert.Equal(2, DataSources.OpenValidation(folder)!.Count);
        PairSource noisy = DataSources.OpenTraining(folder with { Noise = "gaussian:25" });
        Assert.Equal((noisy.Shape, 0), (noisy.TargetShape, noisy.ClassCount));
        byte[] wrong = ArrayFiles.Cifar(2, 0);
        wrong[3073] = 10;
        Refused("class 10", _folder.Write("wrong.bin", wrong), _folder.File("wrong.bin"));
    }

    [Theory]
    [InlineData("P2\n# a comment\n3 2 # another\n4\n0 1 2\n3 4 4", new[] { 0, 0.25f, 0.5f, 0.75f, 1, 1 }, 1)]
    [InlineData("P3 1 2 255 0 51 102 153 204 255", new[] { 0, 0.6f, 0.2f, 0.8f, 0.4f, 1 }, 3)]
    [InlineData("P5 2 1 255\n\0\u0033", new[] { 0, 0.2f }, 1)]
    [InlineData("P6 1 1 65535\n\0\0\u0033\u0033\u0066\u0066", new[] { 0, 0.2f, 0.4f }, 3)]
    public void Pnm_TextAndBytes_AreRead(string text, float[] expected, int channels)
    {
        string path = _folder.Write("image.pnm", System.Text.Encoding.Latin1.GetBytes(text));

        Assert.Equal(expected, SourceReading.Clean(path)[0]);
        Assert.Equal(channels, SourceReading.Training(path, "gaussian:1").Shape.C);
    }

    [Theory]
    [InlineData("P1 1 1 1", "bitmap")]
    [InlineData("P2 2 2 255 1 2 3", "fit")]
    [InlineData("P2 1 2 7 1 8", "above 7")]
    [InlineData("P5 0 1 255\n", "is 0")]
    [InlineData("P5 99999999 1 255\n", "above")]
    [InlineData("P6 1000000 1000000 255\nabc", "fit")]
    [InlineData("P5 x", "missing")]
    [InlineData("P5 1 1 10\n\u0033", "above the largest")]
    public void Pnm_Damaged_IsRefused(string text, string why) =>
        Refused(why, System.Text.Encoding.Latin1.GetBytes(text));

    [Fact]
    public void Png_SixteenBits_KeepTheirDepth()
    {
        byte[] rows = new byte[2 * 7];
        BinaryPrimitives.WriteUInt16BigEndian(rows.AsSpan(1), 1);
        BinaryPrimitives.WriteUInt16BigEndian(rows.AsSpan(5), 65535);
        BinaryPrimitives.WriteUInt16BigEndian(rows.AsSpan(8), 257);
        string path = _folder.Write("deep.png", PngTests.File(1, 2, 16, 2, rows));

        Assert.Equal(
            [1 / 65535f, 257 / 65535f, 0, 0, 1, 0], SourceReading.Clean(path)[0]);
    }

    [Fact]
    public void Jpeg_IsRefusedWithAReason() => Refused("JPEG", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16]);

    [Fact]
    public void Folder_WithPicturesThatAreNotRead_CountsThemOrIsRefused()
    {
        foreach (string name in (string[])["a.jpg", "b.JPG", "c.webp", "notes.txt"])
        {
            _folder.Write(name, [1]);
        }

        DataOptions options = new() { Source = _folder.Path, Noise = "gaussian:25" };
        DataException fault = Assert.Throws<DataException>(() => DataSources.OpenTraining(options));
        Assert.Contains("no picture that can be read: 2 .jpg, 1 .webp", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Convert them to PNG", fault.Remedy, StringComparison.Ordinal);

        _folder.Write("d.pgm", "P2 1 1 1 1"u8.ToArray());
        Assert.Equal(1, DataSources.OpenTraining(options).Count);
        string line = DataSources.PassedOver(options)!;
        Assert.StartsWith($"{_folder.Path}: pictures that are not read", line, StringComparison.Ordinal);
        Assert.Contains("2 .jpg, 1 .webp. Convert them to PNG", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
        Assert.Equal(line, DataSources.PassedOver(new DataOptions { Validation = _folder.Path }));
        Assert.Null(DataSources.PassedOver(new DataOptions { Source = _folder.File("d.pgm") }));
        Assert.Null(DataSources.PassedOver(new DataOptions()));
    }

    private void Refused(string what, byte[] file) => Refused(what, _folder.Write("refused", file), null);

    private static void Refused(string what, string written, string? path)
    {
        DataException fault = Assert.Throws<DataException>(
            () => SourceReading.Training(path ?? written, path is null ? "gaussian:25" : null));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.NotEmpty(fault.Remedy);
    }
}
