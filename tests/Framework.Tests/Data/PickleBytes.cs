using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Distributed.Framework.Tests.Data;

/// <summary>Writes files of torch.save by hand, so that tests can write those that PyTorch never would.</summary>
internal static class PickleBytes
{
    /// <summary>Text stays; \xNN is a byte.</summary>
    public static byte[] Raw(string text)
    {
        List<byte> bytes = [];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[i + 1] == 'x')
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 2, 2), 16));
                i += 3;
            }
            else
            {
                bytes.Add((byte)text[i]);
            }
        }

        return [.. bytes];
    }

    /// <summary>BINUNICODE.</summary>
    public static string Text(string text) => "X" + Number(text.Length) + text;

    /// <summary>A pickle's integer of 8 bytes.</summary>
    public static string Long(long value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return "\\x8a\\x08" + string.Concat(bytes.Select(b => $"\\x{b:x2}"));
    }

    /// <summary>A tensor as torch.save writes it.</summary>
    public static string Tensor(string storage, string key, long elements, long offset, long[] shape, long[] strides) =>
        "ctorch._utils\n_rebuild_tensor_v2\n(("
        + Text("storage") + $"ctorch\n{storage}\n" + Text(key) + Text("cpu") + Long(elements) + "tQ" + Long(offset)
        + "(" + string.Concat(shape.Select(Long)) + "t(" + string.Concat(strides.Select(Long)) + "t"
        + "\\x89ccollections\nOrderedDict\n)RtR";

    /// <summary>A zip file of torch.save.</summary>
    public static byte[] Zip(
        string pickle,
        IReadOnlyList<(string Key, byte[] Bytes)> storages,
        CompressionLevel level = CompressionLevel.NoCompression,
        string? byteOrder = null)
    {
        using MemoryStream file = new();
        using (ZipArchive archive = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("x/data.pkl", Raw("\\x80\\x02" + pickle + "."));
            foreach ((string key, byte[] bytes) in storages)
            {
                Add("x/data/" + key, bytes);
            }

            Add("x/version", "3\n"u8.ToArray());
            if (byteOrder is not null)
            {
                Add("x/byteorder", Encoding.ASCII.GetBytes(byteOrder));
            }

            void Add(string name, byte[] bytes)
            {
                using Stream entry = archive.CreateEntry(name, level).Open();
                entry.Write(bytes);
            }
        }

        return file.ToArray();
    }

    /// <summary>A legacy file of torch.save.</summary>
    public static byte[] Legacy(string pickle, IReadOnlyList<(string Key, long Elements, byte[] Bytes)> storages)
    {
        List<byte> file = [];
        file.AddRange(Raw("\\x80\\x02\\x8a\\x0a\\x6c\\xfc\\x9c\\x46\\xf9\\x20\\x6a\\xa8\\x50\\x19."));
        file.AddRange(Raw("\\x80\\x02M\\xe9\\x03.\\x80\\x02}" + Text("little_endian") + "\\x88s."));
        file.AddRange(Raw("\\x80\\x02" + pickle + "."));
        file.AddRange(Raw("\\x80\\x02](" + string.Concat(storages.Select(storage => Text(storage.Key))) + "e."));
        foreach ((string _, long elements, byte[] bytes) in storages)
        {
            byte[] length = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, elements);
            file.AddRange(length);
            file.AddRange(bytes);
        }

        return [.. file];
    }

    private static string Number(int value) =>
        string.Concat(Enumerable.Range(0, 4).Select(i => $"\\x{(value >> (8 * i)) & 0xFF:x2}"));
}
