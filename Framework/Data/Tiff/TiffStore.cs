using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A page whose pixels stay in the file.</summary>
/// <remarks>
/// What is stored as it is, is read a row of a window at a time; of anything else the tiles that a window touches are
/// decompressed, and those used last are kept (<see cref="DecodedTiles"/>).
/// </remarks>
/// <param name="file">The whole file.</param>
/// <param name="tiles">Of the page.</param>
/// <param name="tile">Width and height of one, in pixels.</param>
/// <param name="offsets">Where each lies.</param>
internal sealed class TiffStore(TiffBytes file, TiffTiles tiles, (int Width, int Height) tile, long[] offsets)
    : TiledStore(
        new SampleFormat(tiles.Page.Bits == 1 ? 'u' : tiles.Page.Kind, tiles.Page.SampleBytes, tiles.IsBigEndian),
        tiles.Page.SamplesTogether,
        tile)
{
    private readonly bool _isPlain = tiles.Page is
        { Compression: TiffCompression.None, Predictor: 1, Bits: >= 8 };
    private readonly int _pixelBytes = tiles.Page.SamplesTogether * tiles.Page.SampleBytes;

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> Pixels(int inside, int plane, int y, int x, int count)
    {
        int index = (((plane * tiles.Down) + (y / Tile.Height)) * tiles.Across) + (x / Tile.Width);
        int start = (((y % Tile.Height) * Tile.Width) + (x % Tile.Width)) * _pixelBytes;
        if (!_isPlain)
        {
            return DecodedTiles.Shared.Get(tiles, index).AsSpan(start, count * _pixelBytes);
        }

        Span<byte> pixels = ThreadScratch.ForBytes(count * _pixelBytes);
        file.File.Read(offsets[index] + start, pixels);
        return pixels;
    }
}

/// <summary>Indices into a palette, as the colours that they stand for: the upper byte of each.</summary>
/// <param name="indices">One channel.</param>
/// <param name="palette">Red, green and blue of all 256 values, 16 bits each.</param>
internal sealed class PaletteStore(PixelStore indices, long[] palette) : PixelStore
{
    /// <inheritdoc/>
    public override void ReadNumbers(
        int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target)
    {
        ImageShape plane = window with { C = 1 };
        for (int c = 0; c < window.C; c++)
        {
            Span<float> channel = target.Slice(c * plane.Elements, plane.Elements);
            indices.ReadNumbers(inside, (0, at.Top, at.Left), plane, channel);
            foreach (ref float value in channel)
            {
                value = palette[((at.Channel + c) * 256) + (int)value] >> 8;
            }
        }
    }
}

/// <summary>Numbers of which 0 is white.</summary>
internal sealed class InvertedStore(PixelStore numbers, float white) : PixelStore
{
    /// <inheritdoc/>
    public override void ReadNumbers(
        int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target)
    {
        numbers.ReadNumbers(inside, at, window, target);
        foreach (ref float value in target[..window.Elements])
        {
            value = white - value;
        }
    }
}
