using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Framework.Data.Png;

/// <summary>Writes 8-bit grey and RGB pictures as PNG.</summary>
/// <remarks>Each row takes the filter whose bytes have the least sum of magnitudes, as libpng suggests.</remarks>
public static class PngEncoder
{
    /// <summary>Writes a picture, in one piece at the end: a failure before that writes nothing.</summary>
    public static void Encode(PngImage image, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stream);
        using MemoryStream file = new();
        file.Write(PngFormat.Signature);
        Span<byte> header = stackalloc byte[PngFormat.HeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8;
        header[9] = image.Channels == 1 ? PngFormat.Grey : PngFormat.Rgb;
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image));
        WriteChunk(file, "IEND"u8, []);
        stream.Write(file.GetBuffer().AsSpan(0, (int)file.Length));
    }

    private static ReadOnlySpan<byte> Compress(PngImage image)
    {
        using MemoryStream compressed = new();
        int rowBytes = image.Width * image.Channels;
        byte[] best = new byte[rowBytes];
        byte[] candidate = new byte[rowBytes];
        ReadOnlySpan<byte> above = new byte[rowBytes];
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<byte> row = image.Pixels.AsSpan(y * rowBytes, rowBytes);
                long bestMagnitude = long.MaxValue;
                int bestFilter = 0;
                for (int filter = 0; filter < PngFilter.Count; filter++)
                {
                    long magnitude = PngFilter.Apply(filter, row, above, image.Channels, candidate);
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
