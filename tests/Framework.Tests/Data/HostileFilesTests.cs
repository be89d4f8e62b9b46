using System.IO.Compression;
using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Files that were cut or changed: a DataException or some images, and never much memory.</summary>
public sealed class HostileFilesTests : IDisposable
{
    private const long AllocatedBytesMax = 16 << 20;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Kinds =>
    [
        "npy", "npz", "npz-deflate", "idx", "idx-gz", "cifar", "pgm", "ppm", "png16",
        "tiff", "tiff-lzw", "tiff-packbits", "tiff-zip", "tiff-tiles",
        "stack_imagej.tif", "stack_ome.ome.tif", "stack_one_directory.tif",
    ];

    /// <summary>Cuts everywhere, and five changes of every byte (of every few in longer files).</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Open_EveryTruncationAndFlip_IsAFaultOrImages(string kind)
    {
        byte[] file = Fixture(kind);
        string extension = kind == "cifar" ? ".bin" : "";
        Assert.True(Opens(file, extension), "The whole file must be readable.");
        int step = Math.Max(1, file.Length / 250);
        for (int length = 0; length < file.Length; length += step)
        {
            Opens(file[..length], extension);
        }

        for (int i = 0; i < file.Length; i += step)
        {
            foreach (byte flip in new byte[] { 1, 4, 0x10, 0x80, 0xFF })
            {
                byte[] damaged = [.. file];
                damaged[i] ^= flip;
                Opens(damaged, extension);
            }
        }
    }

    [Fact]
    public void Tiff_PagesThatShareTheirPixels_AreRefused()
    {
        byte[] file = new TiffWriter(64, 64, 1, 8) { RowsPerStrip = 64 }.Write(new uint[4096], new uint[4096]);
        Assert.True(Opens(file, ""));
        int entry = file.AsSpan().LastIndexOf(new byte[] { 0x11, 0x01, 4, 0, 1, 0, 0, 0 });
        int length = file.AsSpan().LastIndexOf(new byte[] { 0x17, 0x01, 4, 0, 1, 0, 0, 0 });
        // The second page's only strip now is all of the file.
        BitConverter.TryWriteBytes(file.AsSpan(entry + 8), 8);
        BitConverter.TryWriteBytes(file.AsSpan(length + 8), file.Length - 8);
        Assert.False(Opens(file, ""));
    }

    [Fact]
    public void Tiff_DirectoriesInACircle_AreRefused()
    {
        byte[] file = new TiffWriter(2, 1, 1, 8).Write([1, 2]);
        file.AsSpan(4, 4).CopyTo(file.AsSpan(file.Length - 4));
        Assert.False(Opens(file, ""));
    }

    private bool Opens(byte[] file, string extension)
    {
        string path = _folder.Write("file" + extension, file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            PairSource source = DataSources.OpenTraining(
                new DataOptions { Source = path, Noise = "gaussian:25", Crop = 1 });
            source.Pair(source.Count - 1);
            return true;
        }
        catch (DataException fault)
        {
            Assert.NotEmpty(fault.Remedy);
            return false;
        }
        catch (ConfigurationException)
        {
            return false; // Became a file of pairs.
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocatedBytesMax);
        }
    }

    internal static byte[] Fixture(string kind)
    {
        byte[] npy = ArrayFiles.Npy("|u1", "2, 1, 4, 4", ArrayFiles.Counting(32));
        byte[] idx = ArrayFiles.Idx(8, [2, 4, 4], ArrayFiles.Counting(32));
        uint[] page = [.. Enumerable.Range(0, 20 * 18 * 3).Select(i => (uint)(i * i % 251))];
        TiffWriter tiff = new(20, 18, 3, 8) { Photometric = 2 };
        return kind switch
        {
            _ when kind.Contains('.', StringComparison.Ordinal) => File.ReadAllBytes(TestFiles.Path(kind)),
            "npy" => npy,
            "npz" => ArrayFiles.Npz(CompressionLevel.NoCompression, ("x.npy", npy)),
            "npz-deflate" => ArrayFiles.Npz(CompressionLevel.Optimal, ("x.npy", npy)),
            "idx" => idx,
            "idx-gz" => ArrayFiles.Gzip(idx),
            "cifar" => ArrayFiles.Cifar(1, 9),
            "pgm" => Encoding.ASCII.GetBytes("P2 # comment\n3 2 99\n1 2 3 4 5 6\n"),
            "ppm" => Encoding.ASCII.GetBytes("P6 2 2 255\nabcdefghijkl"),
            "png16" => PngTests.File(2, 1, 16, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
            "tiff" => tiff.Write(page, page),
            "tiff-lzw" => (tiff with { Compression = 5, Predictor = 2 }).Write(page),
            "tiff-packbits" => (tiff with { Compression = 32773, IsPlanar = true, IsBigEndian = true }).Write(page),
            "tiff-zip" => (tiff with { Compression = 8, Bits = 16 }).Write(page),
            _ => (tiff with { Compression = 8, Tile = 16 }).Write(page),
        };
    }
}
