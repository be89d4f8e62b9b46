using System.IO.Compression;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using ZstdSharp;

namespace Distributed.Framework.Data.Tiff;

/// <summary>Undoes the compressions of TIFF's strips and tiles.</summary>
/// <remarks>Source: TIFF 6.0 (Aldus 1992), sections 9 and 13; deflate as in Adobe's technical note of 2002;
/// Zstandard as in RFC 8878, under the number that libtiff gave it.</remarks>
internal static class TiffCompression
{
    public const int None = 1;
    public const int Lzw = 5;
    public const int Deflate = 8;
    public const int DeflateOld = 32946;
    public const int PackBits = 32773;
    public const int Zstd = 50000;

    private const int LzwClear = 256;
    private const int LzwEnd = 257;
    private const int LzwCodesMax = 4096;

    /// <summary>Most bytes that a byte can become; 0 for a compression that is not known.</summary>
    public static int RatioMax(long compression) => compression switch
    {
        None => 1,
        Lzw => LzwCodesMax,
        Deflate or DeflateOld => 1032,
        PackBits => 64,
        Zstd => 1 << 15, // Of a block of one byte that comes 128 Ki times.
        _ => 0,
    };

    /// <summary>Decompresses a strip or tile.</summary>
    /// <param name="compression">One that has a RatioMax.</param>
    /// <param name="file">Where it lies.</param>
    /// <param name="offset">Its first byte.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="target">Overwritten.</param>
    /// <returns>How many bytes were written: all of target unless the data end before.</returns>
    /// <exception cref="DataException">Zstandard's data are damaged, or more than target.</exception>
    public static int Expand(long compression, TiffBytes file, long offset, long length, Span<byte> target)
    {
        switch (compression)
        {
            case Lzw:
                return ExpandLzw(file.Slice(offset, length), target);
            case PackBits:
                return ExpandPackBits(file.Slice(offset, length), target);
            case Deflate or DeflateOld:
                using (ZLibStream zlib = new(file.Stream(offset, length), CompressionMode.Decompress))
                {
                    return zlib.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
                }

            case Zstd:
                return ExpandZstd(file, offset, length, target);

            default:
                ReadOnlySpan<byte> bytes = file.Slice(offset, length);
                bytes = bytes[..Math.Min(bytes.Length, target.Length)];
                bytes.CopyTo(target);
                return bytes.Length;
        }
    }

    /// <summary>In one piece, so that the target is the window, however large one the file asks for.</summary>
    private static int ExpandZstd(TiffBytes file, long offset, long length, Span<byte> target)
    {
        try
        {
            using Decompressor decompressor = new();
            return decompressor.Unwrap(file.Slice(offset, length), target);
        }
        catch (ZstdException exception)
        {
            throw FileFaults.Damaged(file.Place, exception.Message, exception);
        }
    }

    /// <summary>Runs: n from 0 to 127 is followed by n + 1 bytes, 129 to 255 by one that comes 257 - n times.</summary>
    private static int ExpandPackBits(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int done = 0;
        int i = 0;
        while (i < source.Length && done < target.Length)
        {
            int head = source[i++];
            if (head == 128)
            {
                continue;
            }

            int count = Math.Min(head < 128 ? head + 1 : 257 - head, target.Length - done);
            if (head < 128)
            {
                count = Math.Min(count, source.Length - i);
                source.Slice(i, count).CopyTo(target[done..]);
                i += count;
            }
            else if (i < source.Length)
            {
                target.Slice(done, count).Fill(source[i++]);
            }
            else
            {
                break;
            }

            done += count;
        }

        return done;
    }

    /// <summary>
    /// Codes of 9 to 12 bits, upper bit first; they grow one code early. A code's text is a stretch of what is already
    /// written: the text of the code before it and the byte after.
    /// </summary>
    private static int ExpandLzw(ReadOnlySpan<byte> source, Span<byte> target)
    {
        Span<int> starts = stackalloc int[LzwCodesMax];
        Span<int> lengths = stackalloc int[LzwCodesMax];
        int next = LzwEnd + 1;
        int width = 9;
        int done = 0;
        int previous = -1;
        long bit = 0;
        while (done < target.Length && bit + width <= source.Length * 8L)
        {
            int code = ReadBits(source, bit, width);
            bit += width;
            if (code == LzwEnd)
            {
                break;
            }

            if (code == LzwClear)
            {
                (next, width, previous) = (LzwEnd + 1, 9, -1);
                continue;
            }

            int start = done;
            if (code < LzwClear)
            {
                target[done++] = (byte)code;
            }
            else if (previous >= 0 && code < next + 1 && code < LzwCodesMax && next <= LzwCodesMax)
            {
                // The text of code `next` is the one being made: the previous text and its first byte.
                int from = code < next ? starts[code] : previous;
                int length = code < next ? lengths[code] : start - previous + 1;
                for (int i = 0; i < length && done < target.Length; i++)
                {
                    target[done++] = target[from + i];
                }
            }
            else
            {
                break;
            }

            if (previous >= 0 && next < LzwCodesMax)
            {
                starts[next] = previous;
                lengths[next] = start - previous + 1;
                next++;
            }

            width = next >= 2047 ? 12 : next >= 1023 ? 11 : next >= 511 ? 10 : 9;
            previous = start;
        }

        return done;
    }

    private static int ReadBits(ReadOnlySpan<byte> source, long bit, int width)
    {
        int first = (int)(bit / 8);
        int value = 0;
        for (int i = 0; i < 3; i++)
        {
            value = (value << 8) | (first + i < source.Length ? source[first + i] : 0);
        }

        return (value >> (24 - (int)(bit % 8) - width)) & ((1 << width) - 1);
    }
}
