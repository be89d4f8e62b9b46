namespace Distributed.Framework.Data.Png;

/// <summary>An 8-bit picture: rows from the top, pixels from the left, channels interleaved.</summary>
public sealed class PngImage
{
    /// <exception cref="ArgumentException">The sizes do not fit the bytes, or the channels are neither 1 nor
    /// 3.</exception>
    public PngImage(int width, int height, int channels, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentNullException.ThrowIfNull(pixels);
        if (channels is not (1 or 3) || (long)width * height * channels != pixels.Length)
        {
            throw new ArgumentException(
                $"{width} x {height} x {channels} does not fit {pixels.Length} bytes.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Channels = channels;
        Pixels = pixels;
    }

    /// <summary>In pixels.</summary>
    public int Width { get; }

    /// <summary>In pixels.</summary>
    public int Height { get; }

    /// <summary>1 (grey) or 3 (red, green, blue).</summary>
    public int Channels { get; }

    /// <summary>[Height, Width, Channels]; not copied.</summary>
    public byte[] Pixels { get; }
}

/// <summary>A picture of 8 or 16 bits a sample, decoded or to be encoded.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Channels">1 (grey) or 3 (red, green, blue).</param>
/// <param name="Bits">8 or 16.</param>
/// <param name="Bytes">[Height, Width, Channels]; 16-bit samples as in the file, upper byte first.</param>
internal sealed record PngSamples(int Width, int Height, int Channels, int Bits, byte[] Bytes);
