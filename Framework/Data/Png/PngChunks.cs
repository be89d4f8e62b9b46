using System.Buffers.Binary;
using System.Text;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Png;

/// <summary>The chunks of a PNG file that matter for its pixels, checked and gathered.</summary>
internal sealed class PngChunks
{
    private const int PieceBytes = 1 << 16;
    private const int ChunksMax = 1 << 20;
    private readonly Stream _stream;
    private readonly string _place;

    private PngChunks(Stream stream, string place)
    {
        _stream = stream;
        _place = place;
    }

    /// <summary>IHDR's data.</summary>
    public byte[] Header { get; private set; } = [];

    /// <summary>PLTE's data, or nothing.</summary>
    public byte[] Palette { get; private set; } = [];

    /// <summary>All IDAT data, one after the other.</summary>
    public MemoryStream Data { get; } = new();

    /// <summary>Reads up to and with IEND.</summary>
    /// <exception cref="DataException">Not a PNG file, truncated, or damaged.</exception>
    public static PngChunks Read(Stream stream, string place)
    {
        PngChunks chunks = new(stream, place);
        chunks.ReadAll();
        chunks.Data.Position = 0;
        return chunks;
    }

    private void ReadAll()
    {
        Span<byte> signature = stackalloc byte[8];
        ReadExactly(signature);
        if (!signature.SequenceEqual(PngFormat.Signature))
        {
            throw new DataException(
                $"{_place} is no PNG file: it begins with other bytes.", "Convert the picture to PNG.");
        }

        Span<byte> start = stackalloc byte[8];
        for (int count = 0; count < ChunksMax; count++)
        {
            ReadExactly(start);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(start);
            string type = Encoding.Latin1.GetString(start[4..]);
            if (length > int.MaxValue || (count == 0) != (type == "IHDR"))
            {
                throw Damaged($"chunk {count} has no possible length or type");
            }

            MemoryStream target = type == "IDAT" ? Data : new MemoryStream();
            ReadChunkData(start[4..], type, (int)length, target);
            switch (type)
            {
                case "IHDR":
                    Header = target.ToArray();
                    break;
                case "PLTE":
                    Palette = target.ToArray();
                    break;
                case "IEND":
                    return;
                case "IDAT":
                    break;
                default:
                    if (char.IsAsciiLetterUpper(type[0]))
                    {
                        throw Damaged($"chunk {type} is unknown, and needed for its pixels");
                    }

                    break;
            }
        }

        throw Damaged("it has too many chunks");
    }

    /// <summary>Memory grows with what arrives, never with what a length claims.</summary>
    private void ReadChunkData(ReadOnlySpan<byte> typeBytes, string type, int length, MemoryStream target)
    {
        uint checksum = Crc32.Append(typeBytes);
        byte[] piece = new byte[Math.Min(length, PieceBytes)];
        for (int left = length; left > 0;)
        {
            Span<byte> part = piece.AsSpan(0, Math.Min(left, piece.Length));
            ReadExactly(part);
            checksum = Crc32.Append(part, checksum);
            if (target.Length + part.Length > Array.MaxLength)
            {
                throw Damaged("it is too large");
            }

            target.Write(part);
            left -= part.Length;
        }

        Span<byte> stored = stackalloc byte[4];
        ReadExactly(stored);
        if (BinaryPrimitives.ReadUInt32BigEndian(stored) != checksum)
        {
            throw Damaged($"chunk {type} does not match its checksum");
        }
    }

    private void ReadExactly(Span<byte> buffer)
    {
        if (_stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw Damaged("it ends too early");
        }
    }

    private DataException Damaged(string why) =>
        new($"{_place} is a damaged PNG file: {why}.", "Copy or export the picture again.");
}
