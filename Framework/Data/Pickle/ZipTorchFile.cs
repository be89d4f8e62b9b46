using System.Globalization;
using System.IO.Compression;
using System.Text;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Pickle;

/// <summary>The format of torch.save since PyTorch 1.6: a zip archive without compression.</summary>
/// <remarks>
/// Entries: NAME/data.pkl (the object), NAME/data/KEY (one for each storage), NAME/version, and perhaps NAME/byteorder.
/// A compressed entry is refused, so no archive can unfold; each storage is read once, so all of them together are no
/// larger than the file. Checksums are checked.
/// </remarks>
internal static class ZipTorchFile
{
    private const string PickleName = "/data.pkl";

    public static bool Begins(ReadOnlySpan<byte> start) => start.StartsWith("PK\x03\x04"u8);

    public static PickleValue Load(Stream stream, string path)
    {
        using ZipArchive archive = new(stream, ZipArchiveMode.Read, leaveOpen: true, Encoding.UTF8);
        Dictionary<string, ZipArchiveEntry> entries = [];
        string? folder = null;
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            entries[entry.FullName] = entry;
            if (folder is null && entry.FullName.EndsWith(PickleName, StringComparison.Ordinal))
            {
                folder = entry.FullName[..^PickleName.Length];
            }
        }

        if (folder is null)
        {
            throw new DataException(
                $"{path} is a zip archive without data.pkl: no file of torch.save.", "Save it with torch.save.");
        }

        long bytesLeft = stream.Length;
        if (entries.TryGetValue(folder + "/byteorder", out ZipArchiveEntry? order)
            && !ReadEntry(order, path, ref bytesLeft).AsSpan().SequenceEqual("little"u8))
        {
            throw new DataException($"{path} was saved on a big-endian machine.", "Save it on a little-endian one.");
        }

        using MemoryStream pickle = new(ReadEntry(entries[folder + PickleName], path, ref bytesLeft));
        PickleReader reader = new(pickle, $"{path} (data.pkl)");
        Dictionary<string, TorchStorage> storages = [];
        PickleValue value = new Unpickler(reader, new TensorBuilder(reader, stream.Length), storages).Load();
        foreach (TorchStorage storage in storages.Values)
        {
            if (!entries.TryGetValue($"{folder}/data/{storage.Key}", out ZipArchiveEntry? entry))
            {
                throw reader.Fault("a storage that a tensor needs is missing");
            }

            byte[] bytes = ReadEntry(entry, path, ref bytesLeft);
            if (bytes.Length != storage.Elements * storage.Type.ItemBytes())
            {
                throw reader.Fault($"a storage of {storage.Elements} elements has {bytes.Length} bytes");
            }

            storage.Bytes = bytes;
        }

        return value;
    }

    private static byte[] ReadEntry(ZipArchiveEntry entry, string path, ref long bytesLeft)
    {
        if (entry.CompressedLength != entry.Length)
        {
            throw new DataException(
                $"{path}: an entry is compressed, as torch.save never does.", "Save it again with torch.save.");
        }

        bytesLeft -= entry.Length;
        if (entry.Length < 0 || bytesLeft < 0 || entry.Length > Array.MaxLength)
        {
            throw Damaged("an entry is larger than the file");
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length);
        using Stream content = entry.Open();
        if (content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw Damaged("an entry ends too early");
        }

        uint checksum = Crc32.Append(bytes);
        return checksum == entry.Crc32
            ? bytes
            : throw Damaged(string.Create(
                CultureInfo.InvariantCulture, $"an entry has checksum {checksum:x8}, {entry.Crc32:x8} is stored"));

        DataException Damaged(string why) => new($"{path} is damaged: {why}.", "Copy the file again.");
    }
}
