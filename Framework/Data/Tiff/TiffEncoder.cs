using System.Buffers.Binary;
using System.Text;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A page to be written.</summary>
/// <param name="Shape">Its channels are the samples of a pixel: 1 (grey) or 3 (RGB).</param>
/// <param name="Bits">Of a sample: 8 or 16 (unsigned), 32 (float).</param>
internal readonly record struct TiffOutputPage(ImageShape Shape, int Bits)
{
    /// <summary>Bytes of its pixels: [H, W, C], little-endian.</summary>
    public long Bytes => (long)Shape.H * Shape.W * Shape.C * (Bits / 8);
}

/// <summary>Writes stacks as TIFF: little-endian, uncompressed, one strip a page.</summary>
/// <remarks>
/// Each page's description, number of bits and pixels come before its directory. What may pass 4 GB is BigTIFF, whose
/// counts and offsets have 64 bits. Sources: TIFF 6.0 (Aldus 1992); BigTIFF as libtiff and AWare Systems describe it.
/// </remarks>
internal static class TiffEncoder
{
    private const int AsciiType = 2;
    private const int ShortType = 3;
    private const int LongType = 4;
    private const int RationalType = 5;
    private const int Long8Type = 16;
    private const int FloatFormat = 3;

    /// <summary>More than a page takes beside its pixels.</summary>
    private const int PageBytesMax = 512;

    /// <summary>Whether so many pages are too much for offsets of 32 bits.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="pixelBytes">Of all pixels together.</param>
    public static bool NeedsBig(long pages, long pixelBytes) =>
        pixelBytes + ((pages + 1) * PageBytesMax) > uint.MaxValue;

    /// <summary>Writes all of a file but its pixels.</summary>
    /// <param name="stream">Where it goes: empty, and can be sought in.</param>
    /// <param name="pages">At least one.</param>
    /// <param name="text">What else the first page says.</param>
    /// <param name="isBig">Whether it is BigTIFF.</param>
    /// <returns>Where the pixels of each page belong.</returns>
    public static List<long> Write(Stream stream, IEnumerable<TiffOutputPage> pages, TiffText text, bool isBig)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(pages);
        int offsetBytes = isBig ? sizeof(ulong) : sizeof(uint);
        stream.Write(isBig ? [(byte)'I', (byte)'I', 43, 0, 8, 0, 0, 0] : "II*\0"u8);
        long at = isBig ? 16 : 8;
        byte[] description = text.Description.Length == 0
            ? []
            : Even(Encoding.Latin1.GetBytes(text.Description + "\0"));
        // Where offsets have 64 bits, a fraction fits into its entry.
        byte[] scale = isBig ? [] : text.Resolution?.ToBytes() ?? [];
        List<long> starts = [];
        foreach (TiffOutputPage page in pages)
        {
            byte[] bits = [.. Enumerable.Repeat(page, page.Shape.C).SelectMany(of => Number((uint)of.Bits, 2))];
            long bitsAt = at + description.Length + scale.Length;
            long pixelsAt = bitsAt + bits.Length;
            long directory = pixelsAt + page.Bytes + (page.Bytes % 2);
            byte[] entries = Directory(
                page,
                (at, description.Length),
                (text.Resolution, at + description.Length),
                (bits, bitsAt),
                pixelsAt,
                isBig);

            // The end of the header, or of the directory before.
            stream.Write(Number((ulong)directory, offsetBytes));
            stream.Write(description);
            stream.Write(scale);
            stream.Write(bits);
            stream.Seek(directory, SeekOrigin.Begin);
            stream.Write(entries);
            starts.Add(pixelsAt);
            at = directory + entries.Length + offsetBytes;
            description = [];
        }

        stream.Write(Number(0, offsetBytes));
        return starts;
    }

    /// <summary>The number of entries and the entries; where the next one is follows later.</summary>
    private static byte[] Directory(
        TiffOutputPage page,
        (long At, int Length) text,
        (TiffResolution? Numbers, long At) scale,
        (byte[] Values, long At) bits,
        long pixelsAt,
        bool isBig)
    {
        (int channels, int height, int width) = (page.Shape.C, page.Shape.H, page.Shape.W);
        int longType = isBig ? Long8Type : LongType;

        // What fits into an entry has to be there.
        ulong bitsValue = bits.Values.Length <= (isBig ? sizeof(ulong) : sizeof(uint))
            ? BinaryPrimitives.ReadUInt64LittleEndian([.. bits.Values, .. new byte[sizeof(ulong)]])
            : (ulong)bits.At;
        List<byte[]> entries =
        [
            Entry(TiffTag.ImageWidth, LongType, 1, (uint)width),
            Entry(TiffTag.ImageLength, LongType, 1, (uint)height),
            Entry(TiffTag.BitsPerSample, ShortType, channels, bitsValue),
            Entry(TiffTag.Compression, ShortType, 1, 1),
            Entry(TiffTag.PhotometricInterpretation, ShortType, 1, channels == 1 ? 1u : 2),
        ];
        if (text.Length > 0)
        {
            entries.Add(Entry(TiffTag.ImageDescription, AsciiType, text.Length, (ulong)text.At));
        }

        entries.Add(Entry(TiffTag.StripOffsets, longType, 1, (ulong)pixelsAt));
        entries.Add(Entry(TiffTag.SamplesPerPixel, ShortType, 1, (uint)channels));
        entries.Add(Entry(TiffTag.RowsPerStrip, LongType, 1, (uint)height));
        entries.Add(Entry(TiffTag.StripByteCounts, longType, 1, (ulong)page.Bytes));
        if (scale.Numbers is { } resolution)
        {
            (ulong x, ulong y) = isBig
                ? (resolution.X, resolution.Y)
                : ((ulong)scale.At, (ulong)scale.At + sizeof(ulong));
            entries.Add(Entry(TiffTag.XResolution, RationalType, 1, x));
            entries.Add(Entry(TiffTag.YResolution, RationalType, 1, y));
            entries.Add(Entry(TiffTag.ResolutionUnit, ShortType, 1, (uint)resolution.Unit));
        }

        if (page.Bits == 32)
        {
            // Three numbers of two bytes do not fit into an entry; readers take the first for all.
            entries.Add(Entry(TiffTag.SampleFormat, ShortType, 1, FloatFormat));
        }

        return [.. Number((uint)entries.Count, isBig ? 8 : 2), .. entries.SelectMany(entry => entry)];

        byte[] Entry(TiffTag tag, int type, int count, ulong value)
        {
            int bytes = isBig ? sizeof(ulong) : sizeof(uint);
            return
            [
                .. Number((uint)tag, 2), .. Number((uint)type, 2), .. Number((uint)count, bytes),
                .. Number(value, bytes),
            ];
        }
    }

    private static byte[] Number(ulong value, int bytes)
    {
        byte[] number = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        return number[..bytes];
    }

    private static byte[] Even(byte[] bytes) => bytes.Length % 2 == 0 ? bytes : [.. bytes, 0];
}
