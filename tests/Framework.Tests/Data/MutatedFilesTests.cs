using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Data;

/// <summary>
/// 2,000 changed files for each reader, by a fixed seed: a value or the documented fault, and never much memory.
/// </summary>
public sealed class MutatedFilesTests : IDisposable
{
    private const int Inputs = 2000;
    private const long AllocatedBytesMax = 64 << 20;
    private static readonly uint[] s_telling =
        [0, 1, 2, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Images =>
    [
        "npy", "npz", "npz-deflate", "idx", "idx-gz", "cifar", "pgm", "ppm", "png16",
        "tiff", "tiff-lzw", "tiff-packbits", "tiff-zip", "tiff-tiles",
        "stack_imagej.tif", "stack_ome.ome.tif", "stack_one_directory.tif", "csbdeep.npz", "tiny_zip.pkl",
        "tiny_legacy.pkl", "tiff/uint8_zstd.tif", "tiff/float32_zstd_predictor3.tif", "tiff/bool_packbits.tif",
        "tiff/uint16_big_tiles_planar.tif", "tiff/int32_lzw_predictor2.tif", "tiff/float16.tif",
    ];

    [Theory]
    [MemberData(nameof(Images))]
    public void Open_ImagesChanged_IsAFaultOrImages(string kind) => OpenChanged(kind, memoryBytes: null);

    /// <summary>Uncompressed and compressed ones, and arrays.</summary>
    [Theory]
    [InlineData("npy")]
    [InlineData("png16")]
    [InlineData("tiff")]
    [InlineData("tiff-lzw")]
    [InlineData("tiff-tiles")]
    [InlineData("stack_one_directory.tif")]
    [InlineData("tiff/float32_zstd_predictor3.tif")]
    [InlineData("tiff/uint16_big_tiles_planar.tif")]
    public void Open_ImagesInAChangedFile_IsAFaultOrImages(string kind) => OpenChanged(kind, memoryBytes: 0);

    private void OpenChanged(string kind, long? memoryBytes)
    {
        string name = kind == "cifar" ? "file.bin" : "file";
        string? noise = kind is "csbdeep.npz" or "tiny_zip.pkl" or "tiny_legacy.pkl" ? null : "gaussian:25";
        Try(HostileFilesTests.Fixture(kind), name, path =>
        {
            // A range, so that wide integers are read on.
            PairSource source = DataSources.OpenTraining(new DataOptions
            {
                Source = path, Noise = noise, Crop = 1, RangeLow = 0, RangeHigh = 255, MemoryBytes = memoryBytes,
            });
            source.Pair(source.Count - 1);
        });
    }

    [Fact]
    public void Read_IndexOfPackedDataChanged_IsAFaultOrImages()
    {
        byte[] content = [.. "pairs\nuint8 1 4 4\n"u8, .. new byte[16], .. "uint8 1 4 4\n"u8, .. new byte[16]];
        byte[] index = [.. "pairs\nuint8 1 4 4\nuint8 1 4 4\n\n"u8, .. SHA256.HashData(content)];
        Try(index, "index", path =>
        {
            byte[] changed = File.ReadAllBytes(path);
            PackedIndex read = PackedIndex.Parse(changed, Convert.ToHexStringLower(SHA256.HashData(changed)));
            PackedFile.Open(read, new Framework.Data.Storage.MemoryBytes(new byte[read.Length]), isInMemory: true);
        });
    }

    [Fact]
    public void Read_WeightsChanged_IsAFaultOrWeights()
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(
            stream,
            new Dictionary<string, string> { ["model"] = "n2n-initial" },
            [new NamedTensor("0.weight", [2, 3], new float[6]), new NamedTensor("0.bias", [2], new float[2])]);
        Try(stream.ToArray(), "weights.safetensors", path => StateDict.Read(path));
    }

    [Fact]
    public void Read_CheckpointChanged_IsAFault()
    {
        using MemoryStream stream = new();
        NamedTensor weight = new("0.weight", [2, 3], new float[6]);
        CheckpointFile.Write(
            stream, new Checkpoint(7, "{}", [weight], [], [], new Dictionary<string, string> { ["a"] = "b" }));
        byte[] whole = stream.ToArray();
        Try(whole, "checkpoint.safetensors", path =>
        {
            if (File.ReadAllBytes(path).AsSpan().SequenceEqual(whole))
            {
                CheckpointFile.Read(path);
            }
            else
            {
                Assert.Throws<DataException>(() => CheckpointFile.Read(path));
            }
        });
    }

    [Fact]
    public void Parse_ModelChanged_IsAFaultOrAModel() => Try(
        Encoding.UTF8.GetBytes("""[{"type":"Conv2d","in_channels":3,"out_channels":4,"kernel_size":3},"ReLU"]"""),
        "model.json",
        path => ModelSpec.Parse(File.ReadAllText(path), path));

    [Fact]
    public void Parse_ConfigurationChanged_IsAFaultOrAConfiguration() => Try(
        Encoding.UTF8.GetBytes(new RunConfiguration().ToJson()),
        "config.json",
        path =>
        {
            try
            {
                RunConfiguration.Parse(File.ReadAllText(path));
            }
            catch (Exception exception) when (exception is JsonException or ArgumentException)
            {
                // What it documents.
            }
        });

    private void Try(byte[] whole, string name, Action<string> read)
    {
        read(_folder.Write(name, whole));
        Random random = new(20261129);
        for (int i = 0; i < Inputs; i++)
        {
            byte[] changed = Change(whole, random);
            string path = _folder.Write(name, changed);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(path);
            }
            catch (ReportedException fault)
            {
                Assert.NotEmpty(fault.Remedy);
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"Input {i} of {name}: {exception}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= AllocatedBytesMax, $"Input {i} of {name} took {allocated} bytes.");
        }
    }

    /// <summary>One to four changes: bits, bytes, telling numbers, ranges left out or doubled, the end.</summary>
    private static byte[] Change(byte[] whole, Random random)
    {
        List<byte> file = [.. whole];
        for (int changes = random.Next(1, 5); changes > 0 && file.Count > 0; changes--)
        {
            // Half of them near the start, where headers are.
            int at = random.Next(random.Next(2) == 0 ? file.Count : Math.Min(file.Count, 64));
            int length = Math.Min(random.Next(1, 33), file.Count - at);
            switch (random.Next(7))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2 or 3:
                    byte[] number = new byte[4];
                    BinaryPrimitives.WriteUInt32LittleEndian(number, s_telling[random.Next(s_telling.Length)]);
                    bool isReversed = random.Next(2) == 0;
                    for (int b = 0; b < 4 && at + b < file.Count; b++)
                    {
                        file[at + b] = number[isReversed ? 3 - b : b];
                    }

                    break;
                case 4:
                    file.RemoveRange(at, length);
                    break;
                case 5:
                    file.InsertRange(random.Next(file.Count), file.GetRange(at, length));
                    break;
                default:
                    file.RemoveRange(at, random.Next(4) == 0 ? file.Count - at : length);
                    break;
            }
        }

        return [.. file];
    }
}
