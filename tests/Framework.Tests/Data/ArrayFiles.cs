using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Distributed.Framework.Tests.Data;

/// <summary>Bytes of array files, as NumPy and MNIST's makers wrote them.</summary>
internal static class ArrayFiles
{
    public static byte[] Npy(string type, string shape, byte[] data, string order = "False", byte version = 1)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': {order}, 'shape': ({shape}), }}";
        int start = version == 1 ? 10 : 12;
        header = header.PadRight(((header.Length + start + 64) / 64 * 64) - start - 1) + "\n";
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, header.Length);
        return
        [
            0x93, .. "NUMPY"u8, version, 0, .. length.AsSpan(0, version == 1 ? 2 : 4),
            .. Encoding.ASCII.GetBytes(header), .. data,
        ];
    }

    public static byte[] Npz(CompressionLevel level, params (string Name, byte[] Npy)[] arrays)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] npy) in arrays)
            {
                using Stream entry = archive.CreateEntry(name, level).Open();
                entry.Write(npy);
            }
        }

        return stream.ToArray();
    }

    public static byte[] Idx(byte type, int[] sizes, byte[] data)
    {
        byte[] header = new byte[4 + (4 * sizes.Length)];
        (header[2], header[3]) = (type, (byte)sizes.Length);
        for (int i = 0; i < sizes.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * i)), sizes[i]);
        }

        return [.. header, .. data];
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream stream = new();
        using (GZipStream gzip = new(stream, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return stream.ToArray();
    }

    /// <summary>Records of CIFAR-10: class i mod 10, all its pixels i + first.</summary>
    public static byte[] Cifar(int count, int first) =>
        [.. Enumerable.Range(0, count).SelectMany(i =>
            new byte[] { (byte)(i % 10) }.Concat(Enumerable.Repeat((byte)(i + first), 3072)))];

    public static byte[] Counting(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 5))];
}
