using System.IO.Compression;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>NumPy's zip archive of arrays (.npz), stored or deflated.</summary>
/// <remarks>
/// One array is taken as a .npy file of it. Two of the same shape are the inputs and targets of pairs, by their names
/// (noisy and clean, input and target, X and Y with CSBDeep's axes); in the order of the archive if they have none,
/// which is said. Two of which one is a vector of integers, [N] or [N, 1], are samples and their classes: images, or
/// vectors [N, F].
/// </remarks>
internal static class NpzFile
{
    private const string Extension = ".npy";
    private const long DeflateRatioMax = 1032;
    private const int EntriesMax = 1024;
    private const string AxesName = "axes";

    /// <summary>Whether a file is a zip archive with an array in it.</summary>
    public static bool IsNpz(string path) => FileFaults.Guarded(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        using ZipArchive archive = new(stream, ZipArchiveMode.Read);
        return archive.Entries.Take(EntriesMax)
            .Any(entry => entry.FullName.EndsWith(Extension, StringComparison.Ordinal));
    });

    /// <summary>Reads its images.</summary>
    /// <exception cref="DataException">It is damaged, or holds something else.</exception>
    public static ImageContent Read(string path, ValueRange range) => FileFaults.Guarded(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        using ZipArchive archive = new(stream, ZipArchiveMode.Read);
        Dictionary<string, ZipArchiveEntry> entries = [];
        foreach (ZipArchiveEntry entry in archive.Entries.Take(EntriesMax))
        {
            if (entry.FullName.EndsWith(Extension, StringComparison.Ordinal))
            {
                entries.TryAdd(entry.FullName[..^Extension.Length], entry);
            }
        }

        string? axes = entries.Remove(AxesName, out ZipArchiveEntry? written)
            ? NpyFile.ReadText(ReadEntry(written, path), $"{path}, {AxesName}")
            : null;
        (string? input, string? target) = (NpzNames.FindInput(entries.Keys), NpzNames.FindTarget(entries.Keys));
        if (input is not null && target is not null && AsPairs(Read(input), Read(target), axes, range) is { } pairs)
        {
            return pairs with { Pairing = $"pairs are the arrays named {input} and {target}" };
        }

        string[] names = [.. entries.Keys];
        bool areNumbered = Array.TrueForAll(names, NpzNames.IsNumbered);
        return ToContent([.. names.Take(3).Select(Read)], path, range, areNumbered ? "" : string.Join(" and ", names));

        NumericArray Read(string name) =>
            NpyFile.Read(new MemoryBytes(ReadEntry(entries[name], path)), $"{path}, {name}");
    });

    /// <summary>Null if they have no common shape: x and y may be samples and their classes as well.</summary>
    private static ImageContent? AsPairs(NumericArray input, NumericArray target, string? axes, ValueRange range)
    {
        if (!input.Shape.SequenceEqual(target.Shape) || input.Shape.Length is < 2 or > 4)
        {
            return null;
        }

        bool? areLast = axes is null ? null : NpzNames.AreChannelsLast(axes, input.Name);
        return input.ToContent(range, areLast) with { Targets = target.ToContent(range, areLast).Images };
    }

    private static ImageContent ToContent(List<NumericArray> arrays, string path, ValueRange range, string names)
    {
        if (arrays.Count == 1)
        {
            return arrays[0].ToContent(range);
        }

        NumericArray? labels = arrays.Find(array => array.Shape.Length == 1)
            ?? arrays.Find(array => array.Kind != 'f' && array.Shape is [_, 1]);
        bool areAlike = arrays.Count == 2 && arrays[0].Shape.SequenceEqual(arrays[1].Shape);
        if (arrays.Count == 2 && labels is not null && (labels.Shape.Length == 1 || !areAlike))
        {
            NumericArray images = arrays[0] == labels ? arrays[1] : arrays[0];
            return Labelled.Join(images.ToSamples(range), labels.ToLabels(), path);
        }

        if (areAlike)
        {
            ImageContent inputs = arrays[0].ToContent(range);
            ImageContent targets = arrays[1].ToContent(range);
            if (inputs.Targets is null)
            {
                return inputs with
                {
                    Targets = targets.Images,
                    Pairing = names.Length == 0
                        ? "pairs are its two arrays, in their order"
                        : $"pairs are the arrays {names}, in this order, since their names do not tell",
                };
            }
        }

        string found = string.Join(", ", arrays.Select(array => array.ShapeText));
        throw new DataException(
            $"{path} holds arrays of shapes {found}.",
            "Save one array, two of the same shape (inputs and targets), or images or vectors and their classes [N].");
    }

    private static byte[] ReadEntry(ZipArchiveEntry entry, string path)
    {
        if (entry.Length < 0 || entry.Length > Array.MaxLength
            || entry.Length > (DeflateRatioMax * entry.CompressedLength) + 1024
            || entry.CompressedLength > new FileInfo(path).Length)
        {
            throw FileFaults.Damaged(path, $"entry {entry.FullName} cannot have {entry.Length} bytes");
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length);
        using Stream content = entry.Open();
        content.ReadExactly(bytes);
        return Crc32.Append(bytes) == entry.Crc32
            ? bytes
            : throw FileFaults.Damaged(path, $"entry {entry.FullName} does not match its checksum");
    }
}
