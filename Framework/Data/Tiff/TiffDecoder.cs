using System.Globalization;
using Distributed.Framework.Data.Arrays;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>Reads the pages of TIFF pictures.</summary>
/// <remarks>
/// Read are integers of 1, 8, 16 and 32 bits, with a sign of 8, 16 and 32, and floats of 16, 32 and 64; grey, RGB and
/// palette; strips and tiles; channels together or apart; uncompressed, LZW, Deflate, PackBits and ZSTD, with
/// differences (predictors 2 and 3); both byte orders; BigTIFF. Alpha is dropped; further channels of a grey page are
/// kept. White-is-zero is turned round where there is no sign; a palette's 16-bit colours give their upper bytes.
/// Thumbnails (reduced resolution) are passed over. The strips of all pages together may not be more than the file, so
/// memory follows the file's size and compression. Sources: TIFF 6.0 (Aldus 1992); BigTIFF as libtiff and AWare Systems
/// describe it.
/// </remarks>
internal static class TiffDecoder
{
    private const int PagesMax = 1 << 16;

    /// <summary>Whether a file begins like one, of the usual kind or of the one for more than 4 GB.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) =>
        start is [(byte)'I', (byte)'I', 42 or 43, 0, ..] or [(byte)'M', (byte)'M', 0, 42 or 43, ..];

    /// <summary>Reads all pages, in the order of the axes that ImageJ or OME have described.</summary>
    /// <exception cref="DataException">The file is damaged, or of a kind that is not read.</exception>
    public static PictureStack Decode(byte[] bytes, string place, ValueRange range)
    {
        if (!Begins(bytes))
        {
            throw FileFaults.Damaged(place, "it does not begin like a TIFF file");
        }

        bool isBig = bytes[2] == 43 || bytes[3] == 43;
        TiffBytes file = new(bytes, bytes[0] == 'M', isBig, place);
        if (isBig && (file.UInt16(4) != sizeof(long) || file.UInt16(6) != 0))
        {
            throw FileFaults.Damaged(place, "its offsets do not have 8 bytes");
        }

        List<TiffDirectory> directories = [];
        HashSet<long> seen = [];
        for (long offset = file.Offset(isBig ? 8 : 4); offset != 0; offset = directories[^1].Next)
        {
            if (!seen.Add(offset) || seen.Count > PagesMax)
            {
                throw FileFaults.Damaged(place, "its pages go round in a circle");
            }

            directories.Add(new TiffDirectory(file, offset));
        }

        List<ImageBlock> pages = [];
        long bytesLeft = file.Length;
        TiffPage first = new(file, directories[0], place);
        StackAxes? axes = StackAxes.Parse(directories[0].Text(TiffTag.ImageDescription), first.Samples, place);
        if (axes is not null && directories.Count == 1)
        {
            return PictureStack.Arrange(ReadContiguous(file, first, axes.Planes, range), axes, place);
        }

        for (int i = 0; i < directories.Count; i++)
        {
            if ((directories[i].Number(TiffTag.NewSubfileType, 0) & 1) == 0)
            {
                string name = directories.Count == 1
                    ? place
                    : string.Create(CultureInfo.InvariantCulture, $"{place}, page {i}");
                pages.Add(ReadPage(file, new TiffPage(file, directories[i], name), range, ref bytesLeft));
            }
        }

        return pages.Count == 0 ? throw FileFaults.Damaged(place, "it has no page")
            : axes is null ? PictureStack.OfPages(pages)
            : PictureStack.Arrange(pages, axes, place);
    }

    /// <summary>All planes lie behind the first one, and only that has a directory: so ImageJ writes more than 4 GB.
    /// </summary>
    private static List<ImageBlock> ReadContiguous(TiffBytes file, TiffPage page, int planes, ValueRange range)
    {
        (_, _, long[] offsets, long[] lengths) = page.Tiles();
        bool areTogether = page.Compression == TiffCompression.None && !page.IsPlanar && page.Predictor == 1;
        for (int i = 1; areTogether && i < offsets.Length; i++)
        {
            areTogether = offsets[i] == offsets[i - 1] + lengths[i - 1];
        }

        long planeBytes = page.RowBytes(page.Width) * page.Height;
        if (!areTogether || offsets[0] + (planes * planeBytes) > file.Length)
        {
            throw FileFaults.Damaged(
                page.Place,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"its description names {planes} planes behind one directory, but they are not there"));
        }

        List<ImageBlock> pages = [];
        for (int i = 0; i < planes; i++)
        {
            TiffPage plane = page.Named(string.Create(CultureInfo.InvariantCulture, $"{page.Place}, plane {i}"));
            pages.Add(ReadPixels(
                file,
                plane,
                (page.Width, page.Height),
                [offsets[0] + (i * planeBytes)],
                [planeBytes],
                range));
        }

        return pages;
    }

    private static ImageBlock ReadPage(TiffBytes file, TiffPage page, ValueRange range, ref long bytesLeft)
    {
        (int width, int height, long[] offsets, long[] lengths) = page.Tiles();
        bytesLeft -= lengths.Sum();
        if (bytesLeft < 0)
        {
            throw FileFaults.Damaged(page.Place, "pages share their pixels");
        }

        return ReadPixels(file, page, (width, height), offsets, lengths, range);
    }

    private static ImageBlock ReadPixels(
        TiffBytes file,
        TiffPage page,
        (int Width, int Height) tile,
        long[] offsets,
        long[] lengths,
        ValueRange range)
    {
        if (page.Kind == 'u' && page.Bits == 8)
        {
            byte[] planes = new byte[page.Shape.Elements];
            ReadTiles(file, page, tile, offsets, lengths, (sample, at) => planes[at] = sample[0]);
            return FromBytes(page, planes);
        }

        float[] values = new float[page.Shape.Elements];
        bool bigEndian = file.IsBigEndian || page.Predictor == 3;
        ReadTiles(
            file, page, tile, offsets, lengths, (sample, at) => values[at] = ToFloat(page, sample, bigEndian));
        if (page.Photometric == 0 && page.Kind == 'u')
        {
            float white = (float)page.TypeMaximum!.Value;
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = white - values[i];
            }
        }

        return ImageBlock.OfNumbers(page.Place, page.Type, null, page.Shape, values, page.TypeMaximum, range);
    }

    private static ImageBlock FromBytes(TiffPage page, byte[] planes)
    {
        if (page.Photometric == 3)
        {
            long[] palette = page.Palette;
            byte[] colours = new byte[checked(planes.Length * 3)];
            for (int i = 0; i < colours.Length; i++)
            {
                int channel = i / planes.Length;
                colours[i] = (byte)(palette[(channel * 256) + planes[i % planes.Length]] >> 8);
            }

            return ImageBlock.OfBytes(page.Place, null, page.Shape with { C = 3 }, colours);
        }

        for (int i = 0; page.Photometric == 0 && i < planes.Length; i++)
        {
            planes[i] = (byte)(byte.MaxValue - planes[i]);
        }

        return ImageBlock.OfBytes(page.Place, null, page.Shape, planes);
    }

    private static float ToFloat(TiffPage page, ReadOnlySpan<byte> sample, bool bigEndian)
    {
        Span<byte> item = stackalloc byte[sizeof(ulong)];
        item = item[..sample.Length];
        sample.CopyTo(item);
        if (bigEndian)
        {
            item.Reverse();
        }

        return NumericArray.ToFloat(page.Kind, item);
    }

    private delegate void PutSample(ReadOnlySpan<byte> sample, int at);

    private static void ReadTiles(
        TiffBytes file, TiffPage page, (int Width, int Height) tile, long[] offsets, long[] lengths, PutSample put)
    {
        int rowBytes = (int)page.RowBytes(tile.Width);
        byte[] buffer = new byte[rowBytes * tile.Height];
        byte[] unpacked = page.Bits == 1 ? new byte[tile.Width * page.SamplesTogether] : [];
        int across = (page.Width + tile.Width - 1) / tile.Width;
        int down = (page.Height + tile.Height - 1) / tile.Height;
        int planes = page.IsPlanar ? page.Channels : 1;
        for (int i = 0; i < across * down * planes; i++)
        {
            int left = i % across * tile.Width;
            int top = i / across % down * tile.Height;
            int rows = Math.Min(tile.Height, page.Height - top);
            Span<byte> pixels = buffer.AsSpan(0, rows * rowBytes);
            if (TiffCompression.Expand(page.Compression, file, offsets[i], lengths[i], buffer) < pixels.Length)
            {
                throw FileFaults.Damaged(page.Place, $"strip or tile {i} ends too early");
            }

            for (int y = 0; y < rows; y++)
            {
                Span<byte> row = pixels.Slice(y * rowBytes, rowBytes);
                TiffPredictor.Undo(page, file.IsBigEndian, row);
                row = page.Bits == 1 ? Unpack(row, unpacked) : row;
                int columns = Math.Min(tile.Width, page.Width - left);
                CopyRow(page, row, columns, (i / (across * down), top + y, left), put);
            }
        }
    }

    /// <summary>A byte for each bit, the upper one first.</summary>
    private static Span<byte> Unpack(ReadOnlySpan<byte> row, Span<byte> unpacked)
    {
        for (int i = 0; i < unpacked.Length; i++)
        {
            unpacked[i] = (byte)((row[i / 8] >> (7 - (i % 8))) & 1);
        }

        return unpacked;
    }

    private static void CopyRow(
        TiffPage page, ReadOnlySpan<byte> row, int columns, (int Plane, int Y, int X) place, PutSample put)
    {
        int sampleBytes = page.SampleBytes;
        int channels = page.IsPlanar ? 1 : page.Channels;
        for (int c = 0; c < channels; c++)
        {
            int target = ((((place.Plane + c) * page.Height) + place.Y) * page.Width) + place.X;
            for (int x = 0; x < columns; x++)
            {
                put(row.Slice(((x * page.SamplesTogether) + c) * sampleBytes, sampleBytes), target + x);
            }
        }
    }
}
