using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Framework.Data.Png;

/// <summary>Writes grey and RGB pictures of 8 and 16 bits as PNG.</summary>
/// <remarks>Each row takes the filter whose bytes have the least sum of magnitudes, as libpng suggests.</remarks>
public static class PngEncoder
{
    /// <summary>Writes a picture, in one piece at the end: a failure before that writes nothing.</summary>
    public static void Encode(PngImage image, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stream);
        Encode(new PngSamples(image.Width, image.Height, image.Channels, Bits: 8, image.Pixels), stream);
    }

    /// <summary>Writes a picture of 16 bits a channel, in one piece at the end.</summary>
    /// <param name="width">In pixels; at least 1.</param>
    /// <param name="height">In pixels; at least 1.</param>
    /// <param name="channels">1 (grey) or 3 (red, green, blue).</param>
    /// <param name="pixels">[Height, Width, Channels].</param>
    /// <param name="stream">Where it goes.</param>
    /// <exception cref="ArgumentException">The sizes do not fit the pixels, or the channels are neither 1 nor
    /// 3.</exception>
    public static void Encode(int width, int height, int channels, ReadOnlySpan<ushort> pixels, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3) || (long)width * height * channels != pixels.Length)
        {
            throw new ArgumentException(
                $"{width} x {height} x {channels} does not fit {pixels.Length} samples.", nameof(pixels));
        }

        byte[] bytes = new byte[checked(pixels.Length * sizeof(ushort))];
        for (int i = 0; i < pixels.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(i * sizeof(ushort)), pixels[i]);
        }

        Encode(new PngSamples(width, height, channels, Bits: 16, bytes), stream);
    }

    /// <summary>Writes a picture row by row, as it is read.</summary>
    /// <param name="pixels">
    /// At the first of [Height, Width, Channels]; 16-bit samples with their upper byte first.
    /// </param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="bits">8 or 16.</param>
    /// <param name="stream">Where it goes.</param>
    internal static void Encode(Stream pixels, int width, int height, int channels, int bits, Stream stream)
    {
        stream.Write(PngFormat.Signature);
        Span<byte> header = stackalloc byte[PngFormat.HeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = (byte)bits;
        header[9] = channels == 1 ? PngFormat.Grey : PngFormat.Rgb;
        PngDataStream.WriteChunk(stream, "IHDR"u8, header);
        using (PngDataStream data = new(stream))
        {
            Compress(pixels, width * channels * bits / 8, height, channels * bits / 8, data);
        }

        PngDataStream.WriteChunk(stream, "IEND"u8, []);
    }

    private static void Encode(PngSamples image, Stream stream)
    {
        using MemoryStream file = new();
        using MemoryStream pixels = new(image.Bytes, writable: false);
        Encode(pixels, image.Width, image.Height, image.Channels, image.Bits, file);
        stream.Write(file.GetBuffer().AsSpan(0, (int)file.Length));
    }

    private static void Compress(Stream pixels, int rowBytes, int height, int pixelBytes, Stream target)
    {
        byte[] best = new byte[rowBytes];
        byte[] candidate = new byte[rowBytes];
        byte[] row = new byte[rowBytes];
        byte[] above = new byte[rowBytes];
        using ZLibStream zlib = new(target, CompressionLevel.Optimal, leaveOpen: true);
        for (int y = 0; y < height; y++)
        {
            pixels.ReadExactly(row);
            long bestMagnitude = long.MaxValue;
            int bestFilter = 0;
            for (int filter = 0; filter < PngFilter.Count; filter++)
            {
                long magnitude = PngFilter.Apply(filter, row, above, pixelBytes, candidate);
                if (magnitude < bestMagnitude)
                {
                    bestMagnitude = magnitude;
                    bestFilter = filter;
                    (best, candidate) = (candidate, best);
                }
            }

            zlib.WriteByte((byte)bestFilter);
            zlib.Write(best);
            (row, above) = (above, row);
        }
    }
}
