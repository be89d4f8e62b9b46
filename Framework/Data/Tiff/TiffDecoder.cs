using System.Globalization;
using Distributed.Framework.Data.Arrays;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
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
    /// <param name="bytes">The whole file.</param>
    /// <param name="place">What messages call it.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <param name="memory">Where its pixels may be.</param>
    public static PictureStack Decode(RandomBytes bytes, string place, ValueRange range, DataMemory memory)
    {
        ReadOnlySpan<byte> start = bytes.View(0, (int)Math.Min(4, bytes.Length)).Span;
        if (!Begins(start))
        {
            throw FileFaults.Damaged(place, "it does not begin like a TIFF file");
        }

        bool isBig = start[2] == 43 || start[3] == 43;
        TiffBytes file = new(bytes, start[0] == 'M', isBig, place);
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

        TiffPage first = new(file, directories[0], place);
        StackAxes? axes = StackAxes.Parse(directories[0].Text(TiffTag.ImageDescription), first.Samples, place);
        List<TiffTiles> pages = axes is not null && directories.Count == 1
            ? FindContiguous(file, first, axes.Planes)
            : FindPages(file, directories, place);
        bool isKept = memory.Takes(pages.Sum(page => page.MemoryBytes));
        List<ImageBlock> blocks = [.. pages.Select(page => isKept ? ReadPixels(page, range) : page.Store(range))];
        PictureStack stack = axes is null
            ? PictureStack.OfPages(blocks)
            : PictureStack.Arrange(blocks, axes, place);
        return stack with { Notes = TiffNotes.Read(directories[0]) };
    }

    private static List<TiffTiles> FindPages(TiffBytes file, List<TiffDirectory> directories, string place)
    {
        List<TiffTiles> pages = [];
        long bytesLeft = file.Length;
        for (int i = 0; i < directories.Count; i++)
        {
            if ((directories[i].Number(TiffTag.NewSubfileType, 0) & 1) != 0)
            {
                continue;
            }

            string name = directories.Count == 1
                ? place
                : string.Create(CultureInfo.InvariantCulture, $"{place}, page {i}");
            TiffPage page = new(file, directories[i], name);
            (int width, int height, long[] offsets, long[] lengths) = page.Tiles();
            bytesLeft -= lengths.Sum();
            pages.Add(bytesLeft >= 0
                ? new TiffTiles(file, page, (width, height), offsets, lengths)
                : throw FileFaults.Damaged(page.Place, "pages share their pixels"));
        }

        return pages.Count > 0 ? pages : throw FileFaults.Damaged(place, "it has no page");
    }

    /// <summary>All planes lie behind the first one, and only that has a directory: so ImageJ writes more than 4 GB.
    /// </summary>
    private static List<TiffTiles> FindContiguous(TiffBytes file, TiffPage page, int planes)
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

        List<TiffTiles> pages = [];
        for (int i = 0; i < planes; i++)
        {
            TiffPage plane = page.Named(string.Create(CultureInfo.InvariantCulture, $"{page.Place}, plane {i}"));
            pages.Add(new TiffTiles(
                file, plane, (page.Width, page.Height), [offsets[0] + (i * planeBytes)], [planeBytes]));
        }

        return pages;
    }

    private static ImageBlock ReadPixels(TiffTiles tiles, ValueRange range)
    {
        TiffPage page = tiles.Page;
        if (page.Kind == 'u' && page.Bits == 8)
        {
            byte[] planes = new byte[page.Shape.Elements];
            tiles.ReadAll((sample, at) => planes[at] = sample[0]);
            return FromBytes(page, planes);
        }

        float[] values = new float[page.Shape.Elements];
        bool isBigEndian = tiles.IsBigEndian;
        tiles.ReadAll((sample, at) => values[at] = ToFloat(page, sample, isBigEndian));
        if (page.IsInverted)
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

        for (int i = 0; page.IsInverted && i < planes.Length; i++)
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
}
