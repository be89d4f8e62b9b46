using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Png;

/// <summary>
/// Reads PNG pictures: grey, RGB and palette, 1 to 16 bits, with or without alpha, interlaced or not.
/// </summary>
/// <remarks>
/// Alpha and transparency are dropped, not composited: pixel values are what is stored. A palette gives RGB; 1, 2 and 4
/// bit grey is stretched to 0..255. As a picture of bytes, 16 bits a channel are refused. Sizes are checked against the
/// bytes that are there before anything is allocated: deflate cannot expand by more than 1,032.
/// </remarks>
public static class PngDecoder
{
    private const long DeflateRatioMax = 1032;
    private const int SideMax = 1 << 20;

    /// <summary>Adam7's passes: first column, first row, distance of columns, distance of rows.</summary>
    private static readonly (int X, int Y, int StepX, int StepY)[] s_adam7 =
    [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ];

    private static readonly (int X, int Y, int StepX, int StepY)[] s_single = [(0, 0, 1, 1)];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It cannot be read, is damaged, or is of a kind that is not
    /// supported.</exception>
    public static PngImage Decode(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return Decode(stream, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException(
                $"{path}: {exception.Message}", "Check that the file exists and may be read.", exception);
        }
    }

    /// <summary>Reads a stream.</summary>
    /// <param name="stream">Begins at the PNG signature.</param>
    /// <param name="place">What messages call it.</param>
    /// <exception cref="DataException">It is damaged, or of a kind that is not supported.</exception>
    public static PngImage Decode(Stream stream, string place = "the picture")
    {
        PngSamples samples = DecodeSamples(stream, place);
        return samples.Bits == 8
            ? new PngImage(samples.Width, samples.Height, samples.Channels, samples.Bytes)
            : throw new DataException(
                $"{place} has 16 bits a channel; only up to 8 can be read here.", "Convert it to 8 bits.");
    }

    /// <summary>Reads a stream, with 8 or 16 bits a sample.</summary>
    /// <param name="stream">Begins at the PNG signature.</param>
    /// <param name="place">What messages call it.</param>
    /// <param name="divert">
    /// Asked where pixels of so many bytes go, row by row, instead of into the samples; may give null. Those of
    /// interlaced pictures go nowhere else.
    /// </param>
    /// <exception cref="DataException">It is damaged.</exception>
    internal static PngSamples DecodeSamples(Stream stream, string place, Func<long, Stream?>? divert = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        PngChunks chunks = PngChunks.Read(stream, place);
        try
        {
            PngSamples samples = Decode(chunks, place, divert);
            chunks.End();
            return samples;
        }
        catch (InvalidDataException exception)
        {
            throw Damaged(place, "its compressed data cannot be read", exception);
        }
    }

    private static PngSamples Decode(PngChunks chunks, string place, Func<long, Stream?>? divert)
    {
        Layout layout = ReadHeader(chunks, place);
        (int X, int Y, int StepX, int StepY)[] passes = layout.Interlaced ? s_adam7 : s_single;
        long rawBytes = 0;
        foreach ((int x, int y, int stepX, int stepY) in passes)
        {
            rawBytes += Rows(layout.Height, y, stepY) * (1L + layout.RowBytes(Rows(layout.Width, x, stepX)));
        }

        long pixelBytes = (long)layout.Width * layout.Height * layout.OutputPixelBytes;
        if (pixelBytes > Array.MaxLength || rawBytes / DeflateRatioMax > chunks.DataBytesMax + 1)
        {
            throw Damaged(place, $"{layout.Width} x {layout.Height} pixels do not fit into its bytes");
        }

        Stream? rows = layout.Interlaced ? null : divert?.Invoke(pixelBytes);
        byte[] pixels = new byte[rows is null ? pixelBytes : layout.Width * layout.OutputPixelBytes];
        using ZLibStream zlib = new(chunks.Data, CompressionMode.Decompress);
        foreach ((int x, int y, int stepX, int stepY) in passes)
        {
            ReadPass(zlib, layout, (x, y, stepX, stepY), (pixels, rows), place);
        }

        zlib.ReadByte(); // Reaching the end is what checks the data's checksum.
        return new PngSamples(
            layout.Width, layout.Height, layout.OutputChannels, layout.SampleBytes * 8, rows is null ? pixels : []);
    }

    private static Layout ReadHeader(PngChunks chunks, string place)
    {
        byte[] header = chunks.Header;
        if (header.Length != PngFormat.HeaderBytes || header[10] != 0 || header[11] != 0 || header[12] > 1)
        {
            throw Damaged(place, "its header is not one of PNG");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(header);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        (int depth, int type) = (header[8], header[9]);
        bool known = type switch
        {
            PngFormat.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngFormat.Palette => depth is 1 or 2 or 4 or 8,
            PngFormat.Rgb or PngFormat.GreyAlpha or PngFormat.RgbAlpha => depth is 8 or 16,
            _ => false,
        };
        if (!known || width is 0 or > SideMax || height is 0 or > SideMax)
        {
            throw Damaged(place, $"{width} x {height} pixels, colour type {type} and {depth} bits are not possible");
        }

        if (type == PngFormat.Palette && chunks.Palette.Length is 0 or > 768 || chunks.Palette.Length % 3 != 0)
        {
            throw Damaged(place, "its palette is missing or has an impossible length");
        }

        return new Layout((int)width, (int)height, depth, type, header[12] == 1, chunks.Palette);
    }

    private static void ReadPass(
        ZLibStream zlib,
        Layout layout,
        (int X, int Y, int StepX, int StepY) pass,
        (byte[] Pixels, Stream? Rows) result,
        string place)
    {
        (byte[] pixels, Stream? whole) = result;
        int columns = Rows(layout.Width, pass.X, pass.StepX);
        int rows = Rows(layout.Height, pass.Y, pass.StepY);
        if (columns == 0)
        {
            return;
        }

        byte[] row = new byte[1 + layout.RowBytes(columns)];
        byte[] above = new byte[row.Length];
        for (int r = 0; r < rows; r++)
        {
            if (zlib.ReadAtLeast(row, row.Length, throwOnEndOfStream: false) < row.Length)
            {
                throw Damaged(place, "its pixels end too early");
            }

            if (!PngFilter.Undo(row[0], row.AsSpan(1), above.AsSpan(1), layout.PixelBytes))
            {
                throw Damaged(place, $"there is no filter {row[0]}");
            }

            int first = whole is null ? (pass.Y + (r * pass.StepY)) * layout.Width : 0;
            int target = (first + pass.X) * layout.OutputPixelBytes;
            for (int column = 0; column < columns; column++)
            {
                if (!layout.WritePixel(row.AsSpan(1), column, pixels.AsSpan(target)))
                {
                    throw Damaged(place, "a pixel lies outside its palette");
                }

                target += pass.StepX * layout.OutputPixelBytes;
            }

            whole?.Write(pixels);
            (row, above) = (above, row);
        }
    }

    /// <summary>How many of 0..size-1 a pass takes that begins at first and goes by step.</summary>
    private static int Rows(int size, int first, int step) => size <= first ? 0 : ((size - first - 1) / step) + 1;

    private static DataException Damaged(string place, string why, Exception? inner = null) =>
        new($"{place} is a damaged PNG file: {why}.", "Copy or export the picture again.", inner);

    /// <summary>How pixels lie in the file, and what becomes of them.</summary>
    private sealed record Layout(int Width, int Height, int Depth, int Type, bool Interlaced, byte[] Palette)
    {
        public int StoredChannels { get; } = Type switch
        {
            PngFormat.Rgb => 3,
            PngFormat.GreyAlpha => 2,
            PngFormat.RgbAlpha => 4,
            _ => 1,
        };

        public int OutputChannels { get; } = Type is PngFormat.Grey or PngFormat.GreyAlpha ? 1 : 3;

        /// <summary>Bytes of a sample of the result.</summary>
        public int SampleBytes => Depth == 16 ? 2 : 1;

        public int OutputPixelBytes => OutputChannels * SampleBytes;

        public int PixelBytes => Math.Max(1, StoredChannels * Depth / 8);

        public int RowBytes(int columns) => (int)((((long)columns * StoredChannels * Depth) + 7) / 8);

        public bool WritePixel(ReadOnlySpan<byte> row, int column, Span<byte> target)
        {
            if (Depth >= 8 && Type != PngFormat.Palette)
            {
                row.Slice(column * StoredChannels * SampleBytes, OutputPixelBytes).CopyTo(target);
                return true;
            }

            int bit = column * Depth;
            int mask = (1 << Depth) - 1;
            int value = (row[bit / 8] >> (8 - Depth - (bit % 8))) & mask;
            if (Type == PngFormat.Grey)
            {
                target[0] = (byte)(value * 255 / mask);
                return true;
            }

            if (value * 3 >= Palette.Length)
            {
                return false;
            }

            Palette.AsSpan(value * 3, 3).CopyTo(target);
            return true;
        }
    }
}
