using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Storage;

/// <summary>Images whose pixels stay where they are, in a file, until they are asked for.</summary>
/// <remarks>Safe from many threads.</remarks>
internal abstract class PixelStore
{
    /// <summary>Reads the numbers of a window as they are stored.</summary>
    /// <param name="inside">Which image.</param>
    /// <param name="at">The window's first channel, row and column.</param>
    /// <param name="window">Shape of the window, inside the image.</param>
    /// <param name="target">[C, H, W] of the window, overwritten.</param>
    public abstract void ReadNumbers(
        int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target);
}

/// <summary>Channels of one image from several stores, one after the other.</summary>
/// <param name="parts">Each has an image of the same shape.</param>
/// <param name="channels">Of each part.</param>
internal sealed class JoinedStore(PixelStore[] parts, int channels) : PixelStore
{
    /// <inheritdoc/>
    public override void ReadNumbers(
        int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target)
    {
        ImageShape plane = window with { C = 1 };
        for (int c = 0; c < window.C; c++)
        {
            (int part, int channel) = Math.DivRem(at.Channel + c, channels);
            parts[part].ReadNumbers(
                inside, (channel, at.Top, at.Left), plane, target.Slice(c * plane.Elements, plane.Elements));
        }
    }
}

/// <summary>Images that are stored as tiles of rows of pixels.</summary>
/// <param name="format">Of a number.</param>
/// <param name="together">Samples of a pixel that lie together; 1 where each channel is stored by itself.</param>
/// <param name="tile">Width and height; the last ones may reach over the image.</param>
internal abstract class TiledStore(SampleFormat format, int together, (int Width, int Height) tile) : PixelStore
{
    /// <summary>Width and height of a tile.</summary>
    protected (int Width, int Height) Tile => tile;

    /// <inheritdoc/>
    public override void ReadNumbers(
        int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target)
    {
        int planes = together == 1 ? window.C : 1;
        int channels = together == 1 ? 1 : window.C;
        int first = together == 1 ? 0 : at.Channel * format.Bytes;
        for (int row = 0; row < planes * window.H; row++)
        {
            (int plane, int y) = Math.DivRem(row, window.H);
            int stored = together == 1 ? at.Channel + plane : 0;
            int done = 0;
            while (done < window.W)
            {
                int x = at.Left + done;
                int count = Math.Min(window.W - done, tile.Width - (x % tile.Width));
                ReadOnlySpan<byte> pixels = Pixels(inside, stored, at.Top + y, x, count);
                for (int c = 0; c < channels; c++)
                {
                    format.Convert(
                        pixels[(first + (c * format.Bytes))..],
                        together * format.Bytes,
                        target.Slice((((plane + c) * window.H) + y) * window.W + done, count));
                }

                done += count;
            }
        }
    }

    /// <summary>Bytes of some pixels of a row, all in one tile; good until the next call on this thread.</summary>
    /// <param name="inside">Which image.</param>
    /// <param name="plane">Which of the planes of channels that are stored by themselves; 0 of others.</param>
    /// <param name="y">Row of the image.</param>
    /// <param name="x">Column of the first one.</param>
    /// <param name="count">How many.</param>
    protected abstract ReadOnlySpan<byte> Pixels(int inside, int plane, int y, int x, int count);
}
