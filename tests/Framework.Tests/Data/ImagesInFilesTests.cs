using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Images that stay in their files: what is read, what is looked at, and what is said.</summary>
public sealed class ImagesInFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("<u2", 2)]
    [InlineData(">u2", 2)]
    [InlineData("|u1", 1)]
    [InlineData("<f4", 4)]
    public void Arrays_OfAnyOrder_AreTheSameFromTheirFile(string type, int itemBytes)
    {
        // Numbers of a byte each, so that floats are tiny but finite.
        byte[] items = [.. Enumerable.Range(0, 2 * 3 * 70 * 66 * itemBytes).Select(i => (byte)(i * 7 % 63))];
        foreach (string shape in new[] { "2, 3, 1, 70, 66", "2, 3, 70, 66", "6, 70, 66", "2, 70, 66, 3" })
        {
            string path = _folder.Write("array.npy", ArrayFiles.Npy(type, shape, items));
            bool isPairs = shape.Length > 14;
            DataOptions options = new()
            {
                Source = path,
                Noise = isPairs ? null : "gaussian:9",
                Crop = 32,
                Windows = DataOptions.CoveringWindows,
                Augment = true,
            };
            PairSource source = SourceReading.Open(options);
            Assert.False(source.Description!.StaysInFiles);
            Assert.True(DataSources.OpenTraining(options with { MemoryBytes = 0 }).Description!.StaysInFiles);
        }
    }

    /// <summary>What finds no room stays on disk, what was read before stays in memory: the same pairs.</summary>
    [Fact]
    public void Folder_OfWhichSomeFindsRoom_IsTheSame()
    {
        for (int i = 0; i < 6; i++)
        {
            uint[] page = [.. Enumerable.Range(0, 40 * 40).Select(j => (uint)((j * (i + 3)) % 65536))];
            byte[] file = new TiffWriter(40, 40, 1, 16) { Compression = i % 2 == 0 ? 8 : 1 }.Write(page);
            _folder.Write($"{i}.tif", file);
        }

        DataOptions options = new() { Source = _folder.Path, Noise = "gaussian:25", Crop = 16, Holdout = 0.2 };
        PairSource some = DataSources.OpenTraining(options with { MemoryBytes = 3 * 40 * 40 * sizeof(float) });
        Assert.EndsWith("read from disk as needed.", $"{some.Description}", StringComparison.Ordinal);
        SourceReading.AssertSame(DataSources.OpenTraining(options), some);
        SourceReading.AssertSame(
            DataSources.OpenValidation(options)!, DataSources.OpenValidation(options with { MemoryBytes = 0 })!);
    }

    /// <summary>Only the pictures that are taken are looked at: what is behind them may even be no number.</summary>
    [Fact]
    public void Limit_TakesTheFirstPictures_AndLooksAtNoOther()
    {
        float[] values = [.. Enumerable.Range(0, 40 * 64).Select(i => i / 2560f)];
        byte[] items = [.. values.SelectMany(BitConverter.GetBytes)];
        string first = _folder.Write("first.npy", ArrayFiles.Npy("<f4", "10, 8, 8", items[..(10 * 64 * 4)]));
        values[^1] = float.NaN;
        values[^2] = 1e9f;
        items = [.. values.SelectMany(BitConverter.GetBytes)];
        DataOptions options = new()
        {
            Source = _folder.Write("all.npy", ArrayFiles.Npy("<f4", "40, 8, 8", items)),
            Noise = "gaussian:25",
            Limit = 10,
            MemoryBytes = 0,
        };

        SourceReading.AssertSame(
            DataSources.OpenTraining(options with { Source = first, MemoryBytes = null }),
            DataSources.OpenTraining(options));
        DataException fault = Assert.Throws<DataException>(
            () => DataSources.OpenTraining(options with { Limit = null }));
        Assert.Contains("all.npy: element [39, 0, 7, 7] is NaN", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_ThatIsReplaced_IsRefused()
    {
        string path = _folder.Write("a.npy", ArrayFiles.Npy("|u1", "4, 8, 8", ArrayFiles.Counting(256)));
        string other = _folder.Write("b.npy", ArrayFiles.Npy("|u1", "4, 8, 8", ArrayFiles.Counting(256)));
        DataOptions options = new() { Source = path, Noise = "gaussian:25", MemoryBytes = 0 };
        PairSource source = DataSources.OpenTraining(options);
        DataSources.OpenTraining(options with { Source = other }).Pair(0); // Another file is open now.
        File.WriteAllBytes(path, ArrayFiles.Npy("|u1", "5, 8, 8", ArrayFiles.Counting(320)));

        DataException fault = Assert.Throws<DataException>(() => source.Pair(1));
        Assert.Contains("was changed while it was read", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WideIntegers_WithoutARange_AreRefused()
    {
        string path = _folder.Write("a.npy", ArrayFiles.Npy("<i4", "1, 8, 8", ArrayFiles.Counting(256)));
        DataOptions options = new() { Source = path, Noise = "gaussian:25", MemoryBytes = 0 };
        DataException fault = Assert.Throws<DataException>(() => DataSources.OpenTraining(options));
        Assert.Contains("which value is white", fault.Message, StringComparison.Ordinal);
    }
}
