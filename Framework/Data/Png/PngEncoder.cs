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

    private static void Encode(PngSamples image, Stream stream)
    {
        using MemoryStream file = new();
        file.Write(PngFormat.Signature);
        Span<byte> header = stackalloc byte[PngFormat.HeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = (byte)image.Bits;
        header[9] = image.Channels == 1 ? PngFormat.Grey : PngFormat.Rgb;
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image));
        WriteChunk(file, "IEND"u8, []);
        stream.Write(file.GetBuffer().AsSpan(0, (int)file.Length));
    }

    private static ReadOnlySpan<byte> Compress(PngSamples image)
    {
        using MemoryStream compressed = new();
        int pixelBytes = image.Channels * image.Bits / 8;
        int rowBytes = image.Width * pixelBytes;
        byte[] best = new byte[rowBytes];
        byte[] candidate = new byte[rowBytes];
        ReadOnlySpan<byte> above = new byte[rowBytes];
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<byte> row = image.Bytes.AsSpan(y * rowBytes, rowBytes);
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
                above = row;
            }
        }

        return compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Append(data, Crc32.Append(type)));
        file.Write(number);
    }
}
