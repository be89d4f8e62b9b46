using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Data;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>The lines of docs/data.md that say what to type do what they say, on small data of their kind.</summary>
public sealed class DataPageTests : IDisposable
{
    private const int Side = 12;
    private const int Pixels = Side * Side;
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task TrainLines_Train()
    {
        string[] lines =
        [
            .. File.ReadLines(PagePath())
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
                .SelectMany(line => line.Split('`'))
                .Where(text => text.StartsWith("coordinator train ", StringComparison.Ordinal)),
        ];
        Assert.Equal(9, lines.Length);
        WriteData();
        for (int i = 0; i < lines.Length; i++)
        {
            string[] arguments =
            [
                .. lines[i].Split(' ')[1..].Select(word => Path.Exists(At(word)) ? At(word) : word),
                "--model", "n2n-initial:channels=2", "--steps", "1", "--batch", "2", "--workers", "1",
                "--run", At($"run{i}"),
            ];
            if (lines[i].Contains("0:2000", StringComparison.Ordinal))
            {
                WriteNpy("counts.npy", "<i4", $"2, 3, 1, {Side}, {Side}", Counts(6, value => (int)value));
            }

            using CommandRunner runner = new() { Train = TrainSession.RunAsync };
            int code = await runner.RunAsync(arguments);
            Assert.True(code == ExitCodes.Done, $"{lines[i]}: {runner.Error}");
            Assert.Contains("Opened ", runner.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("Scale:", runner.Output, StringComparison.Ordinal);
        }
    }

    private void WriteData()
    {
        foreach (string name in new[] { "0.pgm", "1.pgm", "2.pgm" })
        {
            WritePgm($"pictures/{name}", 255);
            WritePgm($"noisy/{name}", 255);
            WritePgm($"shots/a/{name}", 255);
            WritePgm($"shots/b/{name}", 255);
            WritePgm($"pairs/a/{name}", 65535);
            WritePgm($"pairs/b/{name}", 65535);
        }

        byte[] bytes = Counts(4, value => (byte)(value / 8));
        string frames = WriteNpy("frames.npy", "|u1", $"4, {Side}, {Side}", bytes);
        StoredPictures stack = StoredPictures.Read(frames);
        using (FileStream stream = File.Create(At("stack.tif")))
        {
            stack.WriteTiff(stream, [.. stack.Pictures.Select(picture => picture.Values)]);
        }

        WriteNpy("counts.npy", "<f4", $"2, 3, 1, {Side}, {Side}", Counts(6, value => (float)value));
        WriteNpz("train.npz", bytes);
        WriteNpz("val.npz", bytes);
    }

    /// <summary>Numbers up to 2,000, in a pattern.</summary>
    private static byte[] Counts<T>(int images, Func<double, T> make)
        where T : unmanaged
    {
        T[] values = [.. Enumerable.Range(0, images * Pixels).Select(i => make(i * 37 % 2000))];
        return MemoryMarshal.AsBytes<T>(values).ToArray();
    }

    private void WritePgm(string name, int largest)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        byte[] pixels = largest == 255
            ? Counts(1, value => (byte)(value / 8))
            : Counts(1, value => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)(2 * value)));
        File.WriteAllBytes(At(name), [.. Encoding.ASCII.GetBytes($"P5 {Side} {Side} {largest}\n"), .. pixels]);
    }

    private void WriteNpz(string name, byte[] bytes)
    {
        using ZipArchive archive = ZipFile.Open(At(name), ZipArchiveMode.Create);
        foreach (string array in new[] { "noisy", "clean" })
        {
            using Stream entry = archive.CreateEntry($"{array}.npy").Open();
            entry.Write(Npy("|u1", $"4, {Side}, {Side}", bytes));
        }
    }

    private string WriteNpy(string name, string type, string shape, byte[] data)
    {
        File.WriteAllBytes(At(name), Npy(type, shape, data));
        return At(name);
    }

    private static byte[] Npy(string type, string shape, byte[] data)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}\n";
        return
        [
            0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8),
            .. Encoding.ASCII.GetBytes(header), .. data,
        ];
    }

    private string At(string name) => Path.Combine(_folder, name);

    private static string PagePath([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "data.md");
}
