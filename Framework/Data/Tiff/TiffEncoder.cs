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
/// Each page's description, number of bits and pixels come before its directory. Offsets have 32 bits, so a file has
/// less than 4 GB. Source: TIFF 6.0 (Aldus 1992).
/// </remarks>
internal static class TiffEncoder
{
    private const int AsciiType = 2;
    private const int ShortType = 3;
    private const int LongType = 4;
    private const int FloatFormat = 3;

    /// <summary>Writes a file, page by page.</summary>
    /// <param name="stream">Where it goes.</param>
    /// <param name="pages">At least one.</param>
    /// <param name="description">Goes into the first page, in Latin letters; empty for none.</param>
    /// <exception cref="NotSupportedException">They pass 4 GB.</exception>
    public static void Write(Stream stream, IEnumerable<TiffOutputPage> pages, string description)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(pages);
        stream.Write("II*\0"u8);
        long at = 8;
        byte[] text = description.Length == 0 ? [] : Even(Encoding.Latin1.GetBytes(description + "\0"));
        foreach (TiffOutputPage page in pages)
        {
            byte[] bits = [.. Enumerable.Repeat(page, page.Shape.C).SelectMany(of => Number((uint)of.Bits, 2))];
            byte[] pixels = Even(page.Pixels);
            long directory = at + text.Length + bits.Length + pixels.Length;
            byte[] entries = Directory(page, (at, text.Length), at + text.Length, at + text.Length + bits.Length);
            if (directory + entries.Length + sizeof(uint) > uint.MaxValue)
            {
                throw new NotSupportedException("A TIFF file holds less than 4 GB.");
            }

            // The end of the header, or of the directory before.
            stream.Write(Number((uint)directory, sizeof(uint)));
            stream.Write(text);
            stream.Write(bits);
            stream.Write(pixels);
            stream.Write(entries);
            at = directory + entries.Length + sizeof(uint);
            text = [];
        }

        stream.Write(Number(0, sizeof(uint)));
    }

    /// <summary>The number of entries and the entries; where the next one is follows later.</summary>
    private static byte[] Directory(TiffOutputPage page, (long At, int Length) text, long bitsAt, long pixelsAt)
    {
        (int channels, int height, int width) = (page.Shape.C, page.Shape.H, page.Shape.W);
        uint bits = channels == 1 ? (uint)page.Bits : (uint)bitsAt;
        List<byte[]> entries =
        [
            Entry(TiffTag.ImageWidth, LongType, 1, (uint)width),
            Entry(TiffTag.ImageLength, LongType, 1, (uint)height),
            Entry(TiffTag.BitsPerSample, ShortType, channels, bits),
            Entry(TiffTag.Compression, ShortType, 1, 1),
            Entry(TiffTag.PhotometricInterpretation, ShortType, 1, channels == 1 ? 1u : 2),
        ];
        if (text.Length > 0)
        {
            entries.Add(Entry(TiffTag.ImageDescription, AsciiType, text.Length, (uint)text.At));
        }

        entries.Add(Entry(TiffTag.StripOffsets, LongType, 1, (uint)pixelsAt));
        entries.Add(Entry(TiffTag.SamplesPerPixel, ShortType, 1, (uint)channels));
        entries.Add(Entry(TiffTag.RowsPerStrip, LongType, 1, (uint)height));
        entries.Add(Entry(TiffTag.StripByteCounts, LongType, 1, (uint)page.Pixels.Length));
        if (page.Bits == 32)
        {
            // Three numbers of two bytes do not fit into an entry; readers take the first for all.
            entries.Add(Entry(TiffTag.SampleFormat, ShortType, 1, FloatFormat));
        }

        return [.. Number((uint)entries.Count, 2), .. entries.SelectMany(entry => entry)];
    }

    private static byte[] Entry(TiffTag tag, int type, int count, uint value) =>
        [.. Number((uint)tag, 2), .. Number((uint)type, 2), .. Number((uint)count, 4), .. Number(value, 4)];

    private static byte[] Number(uint value, int bytes)
    {
        byte[] number = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(number, value);
        return number[..bytes];
    }

    private static byte[] Even(byte[] bytes) => bytes.Length % 2 == 0 ? bytes : [.. bytes, 0];
}
