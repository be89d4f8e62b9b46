using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>Takes one sample of a page.</summary>
/// <param name="sample">Its bytes, in the order of the file.</param>
/// <param name="at">Where it belongs in [C, H, W].</param>
internal delegate void PutSample(ReadOnlySpan<byte> sample, int at);

/// <summary>The strips or tiles of one page.</summary>
/// <param name="file">The whole file.</param>
/// <param name="page">What they are of.</param>
/// <param name="tile">Width and height of one, in pixels.</param>
/// <param name="offsets">Where each lies; planes one after the other.</param>
/// <param name="lengths">Stored bytes of each.</param>
internal sealed class TiffTiles(
    TiffBytes file, TiffPage page, (int Width, int Height) tile, long[] offsets, long[] lengths) : ITileDecoder
{
    /// <summary>The page.</summary>
    public TiffPage Page => page;

    /// <summary>Memory that its images take when they are all read, in bytes.</summary>
    public long MemoryBytes => (long)page.Width * page.Height * (page.IsPalette ? 3 : page.Channels)
        * (page is { Kind: 'u', Bits: 8 } ? 1 : sizeof(float));

    /// <summary>Whether a sample's upper byte comes first once it is decompressed.</summary>
    public bool IsBigEndian => file.IsBigEndian || page.Predictor == 3;

    /// <summary>Tiles of a row of them.</summary>
    public int Across => (page.Width + tile.Width - 1) / tile.Width;

    /// <summary>Rows of tiles.</summary>
    public int Down => (page.Height + tile.Height - 1) / tile.Height;

    /// <summary>The page as a picture whose pixels stay in the file.</summary>
    /// <exception cref="DataException">A strip is too short, or not all inside the file.</exception>
    public ImageBlock Store(ValueRange range)
    {
        if (page.Compression == TiffCompression.None)
        {
            CheckLengths();
        }

        PixelStore store = new TiffStore(file, this, tile, offsets);
        store = page.IsPalette ? new PaletteStore(store, page.Palette)
            : page.IsInverted ? new InvertedStore(store, (float)page.TypeMaximum!.Value)
            : store;
        return ImageBlock.OfStore(
            page.Place,
            page.Type,
            null,
            page.IsPalette ? page.Shape with { C = 3 } : page.Shape,
            store,
            page.TypeMaximum,
            range);
    }

    /// <summary>Reads all samples.</summary>
    public void ReadAll(PutSample put)
    {
        int rowBytes = (int)page.RowBytes(tile.Width);
        byte[] buffer = new byte[rowBytes * tile.Height];
        byte[] unpacked = page.Bits == 1 ? new byte[tile.Width * page.SamplesTogether] : [];
        int planes = page.IsPlanar ? page.Channels : 1;
        for (int i = 0; i < Across * Down * planes; i++)
        {
            int left = i % Across * tile.Width;
            int top = i / Across % Down * tile.Height;
            int rows = RowsOf(i);
            Read(i, buffer);
            for (int y = 0; y < rows; y++)
            {
                Span<byte> row = buffer.AsSpan(y * rowBytes, rowBytes);
                row = page.Bits == 1 ? Unpack(row, unpacked) : row;
                int columns = Math.Min(tile.Width, page.Width - left);
                CopyRow(row, columns, (i / (Across * Down), top + y, left), put);
            }
        }
    }

    /// <inheritdoc/>
    public byte[] Decode(int index)
    {
        int rows = RowsOf(index);
        int rowBytes = (int)page.RowBytes(tile.Width);
        byte[] pixels = new byte[rowBytes * tile.Height];
        Read(index, pixels);
        if (page.Bits != 1)
        {
            return pixels;
        }

        int samples = tile.Width * page.SamplesTogether;
        byte[] unpacked = new byte[samples * rows];
        for (int y = 0; y < rows; y++)
        {
            Unpack(pixels.AsSpan(y * rowBytes, rowBytes), unpacked.AsSpan(y * samples, samples));
        }

        return unpacked;
    }

    /// <summary>What is stored as it is, is not looked at until it is asked for.</summary>
    private void CheckLengths()
    {
        for (int i = 0; i < Across * Down * (page.IsPlanar ? page.Channels : 1); i++)
        {
            if (lengths[i] < page.RowBytes(tile.Width) * RowsOf(i) || offsets[i] > file.Length - lengths[i])
            {
                throw FileFaults.Damaged(page.Place, $"strip or tile {i} ends too early");
            }
        }
    }

    private int RowsOf(int index) => Math.Min(tile.Height, page.Height - (index / Across % Down * tile.Height));

    /// <summary>Decompresses a tile, and undoes its differences.</summary>
    private void Read(int index, byte[] buffer)
    {
        int rowBytes = (int)page.RowBytes(tile.Width);
        int rows = RowsOf(index);
        if (TiffCompression.Expand(page.Compression, file, offsets[index], lengths[index], buffer) < rows * rowBytes)
        {
            throw FileFaults.Damaged(page.Place, $"strip or tile {index} ends too early");
        }

        for (int y = 0; y < rows; y++)
        {
            TiffPredictor.Undo(page, file.IsBigEndian, buffer.AsSpan(y * rowBytes, rowBytes));
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

    private void CopyRow(ReadOnlySpan<byte> row, int columns, (int Plane, int Y, int X) place, PutSample put)
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
