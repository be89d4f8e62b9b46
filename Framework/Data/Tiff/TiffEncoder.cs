using System.Buffers.Binary;
using System.Text;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A page to be written.</summary>
/// <param name="Shape">Its channels are the samples of a pixel: 1 (grey) or 3 (RGB).</param>
/// <param name="Bits">Of a sample: 8 or 16 (unsigned), 32 (float).</param>
/// <param name="Pixels">[H, W, C], little-endian.</param>
internal readonly record struct TiffOutputPage(ImageShape Shape, int Bits, byte[] Pixels);

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
    private const int Long8Type = 16;
    private const int FloatFormat = 3;

    /// <summary>More than a page takes beside its pixels.</summary>
    private const int PageBytesMax = 512;

    /// <summary>Whether so many pages are too much for offsets of 32 bits.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="pixelBytes">Of all pixels together.</param>
    public static bool NeedsBig(long pages, long pixelBytes) =>
        pixelBytes + ((pages + 1) * PageBytesMax) > uint.MaxValue;

    /// <summary>Writes a file, page by page.</summary>
    /// <param name="stream">Where it goes.</param>
    /// <param name="pages">At least one.</param>
    /// <param name="description">Goes into the first page, in Latin letters; empty for none.</param>
    /// <param name="isBig">Whether it is BigTIFF.</param>
    public static void Write(Stream stream, IEnumerable<TiffOutputPage> pages, string description, bool isBig)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(pages);
        int offsetBytes = isBig ? sizeof(ulong) : sizeof(uint);
        stream.Write(isBig ? [(byte)'I', (byte)'I', 43, 0, 8, 0, 0, 0] : "II*\0"u8);
        long at = isBig ? 16 : 8;
        byte[] text = description.Length == 0 ? [] : Even(Encoding.Latin1.GetBytes(description + "\0"));
        foreach (TiffOutputPage page in pages)
        {
            byte[] bits = [.. Enumerable.Repeat(page, page.Shape.C).SelectMany(of => Number((uint)of.Bits, 2))];
            byte[] pixels = Even(page.Pixels);
            long directory = at + text.Length + bits.Length + pixels.Length;
            byte[] entries =
                Directory(page, (at, text.Length), (bits, at + text.Length), at + text.Length + bits.Length, isBig);

            // The end of the header, or of the directory before.
            stream.Write(Number((ulong)directory, offsetBytes));
            stream.Write(text);
            stream.Write(bits);
            stream.Write(pixels);
            stream.Write(entries);
            at = directory + entries.Length + offsetBytes;
            text = [];
        }

        stream.Write(Number(0, offsetBytes));
    }

    /// <summary>The number of entries and the entries; where the next one is follows later.</summary>
    private static byte[] Directory(
        TiffOutputPage page, (long At, int Length) text, (byte[] Values, long At) bits, long pixelsAt, bool isBig)
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
        entries.Add(Entry(TiffTag.StripByteCounts, longType, 1, (uint)page.Pixels.Length));
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
