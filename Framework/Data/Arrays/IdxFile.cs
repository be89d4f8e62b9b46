using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>The format of MNIST and its kin, also compressed by gzip.</summary>
/// <remarks>
/// <code>
/// 2 bytes    0
/// 1          type: 8 unsigned byte, 9 signed byte, 11 short, 12 int, 13 float, 14 double
/// 1          number of dimensions
/// 4 each     sizes, big-endian
/// items      big-endian, the last index runs fastest
/// </code>
/// A file NAME-images-idx3-... gets its classes from NAME-labels-idx1-... beside it, if that is there.
/// Source: LeCun, Cortes, Burges, "The MNIST database", section on file formats.
/// </remarks>
internal static class IdxFile
{
    private const int RankMax = 5;
    private const long DeflateRatioMax = 1032;

    /// <summary>Whether a file begins like one, compressed or not.</summary>
    public static bool IsIdx(string path)
    {
        byte[] start = FileFaults.Start(path, 4);
        if (!IsGzip(start))
        {
            return Begins(start);
        }

        return FileFaults.Guarded(path, () =>
        {
            using FileStream file = File.OpenRead(path);
            using GZipStream stream = new(file, CompressionMode.Decompress);
            byte[] inside = new byte[4];
            return stream.ReadAtLeast(inside, 4, throwOnEndOfStream: false) == 4 && Begins(inside);
        });
    }

    /// <summary>Reads images, and classes from the file beside them.</summary>
    /// <exception cref="DataException">A file is damaged, or holds something else.</exception>
    public static ImageContent Read(string path, ValueRange range)
    {
        NumericArray array = ReadArray(path);
        if (array.Shape.Length < 3)
        {
            throw new DataException(
                $"{path} has shape {array.ShapeText}: no images.", "Name the file of the images, not of their labels.");
        }

        ImageContent content = array.ToContent(range);
        string? labels = LabelsBeside(path);
        return labels is null ? content : Labelled.Join(content, ReadArray(labels).ToLabels(), labels);
    }

    private static bool IsGzip(ReadOnlySpan<byte> start) => start is [0x1F, 0x8B, ..];

    private static bool Begins(ReadOnlySpan<byte> start) =>
        start is [0, 0, 8 or 9 or 11 or 12 or 13 or 14, >= 1 and <= RankMax, ..];

    private static string? LabelsBeside(string path)
    {
        string name = Path.GetFileName(path)
            .Replace("images", "labels", StringComparison.Ordinal)
            .Replace("idx3", "idx1", StringComparison.Ordinal)
            .Replace("idx4", "idx1", StringComparison.Ordinal);
        string other = Path.Combine(Path.GetDirectoryName(path) ?? "", name);
        return other != path && File.Exists(other) ? other : null;
    }

    private static NumericArray ReadArray(string path)
    {
        byte[] bytes = FileFaults.ReadAllBytes(path);
        bytes = IsGzip(bytes) ? FileFaults.Guarded(path, () => Decompress(path, bytes)) : bytes;
        if (!Begins(bytes))
        {
            throw FileFaults.Damaged(path, "it does not begin like an IDX file");
        }

        int rank = bytes[3];
        (char kind, int itemBytes) = TypeOf(bytes[2]);
        int start = HeaderBytes(rank);
        if (Sizes(bytes, rank) is not { } shape
            || NumericArray.BytesOf(shape, itemBytes, bytes.Length - start) != bytes.Length - start)
        {
            throw FileFaults.Damaged(path, "its sizes are not those of its data");
        }

        return new NumericArray(path, kind, itemBytes, IsBigEndian: true, shape, new MemoryBytes(bytes), start);
    }

    /// <summary>Takes as much memory as the header inside says, if that many bytes can be in the file.</summary>
    private static byte[] Decompress(string path, byte[] file)
    {
        using GZipStream stream = new(new MemoryStream(file), CompressionMode.Decompress);
        byte[] header = new byte[HeaderBytes(RankMax)];
        stream.ReadExactly(header.AsSpan(0, 4));
        if (!Begins(header))
        {
            throw FileFaults.Damaged(path, "it does not hold an IDX file");
        }

        int start = HeaderBytes(header[3]);
        stream.ReadExactly(header.AsSpan(4, start - 4));
        long availableMax = Math.Min(Array.MaxLength - start, (DeflateRatioMax * file.Length) + 1024);
        if (Sizes(header, header[3]) is not { } shape
            || NumericArray.BytesOf(shape, TypeOf(header[2]).ItemBytes, availableMax) is not { } bytes)
        {
            throw FileFaults.Damaged(path, "its sizes are not those of its data");
        }

        byte[] result = GC.AllocateUninitializedArray<byte>(start + (int)bytes);
        header.AsSpan(0, start).CopyTo(result);
        stream.ReadExactly(result.AsSpan(start));
        return stream.ReadByte() < 0 ? result : throw FileFaults.Damaged(path, "it is longer than its sizes say");
    }

    private static int HeaderBytes(int rank) => 4 + (4 * rank);

    private static int[]? Sizes(ReadOnlySpan<byte> bytes, int rank)
    {
        if (bytes.Length < HeaderBytes(rank))
        {
            return null;
        }

        int[] sizes = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(4 + (4 * i))..]);
        }

        return sizes;
    }

    private static (char Kind, int ItemBytes) TypeOf(byte code) => code switch
    {
        8 => ('u', 1),
        9 => ('i', 1),
        11 => ('i', 2),
        12 => ('i', 4),
        13 => ('f', 4),
        _ => ('f', 8),
    };
}
