using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Wire;

/// <summary>What a frame carries.</summary>
public enum FrameKind
{
    /// <summary>A message without floats.</summary>
    Control = 1,

    /// <summary>A message with floats, which follow in chunks of the same stream.</summary>
    BulkBegin = 2,

    /// <summary>The next floats of a stream.</summary>
    BulkChunk = 3,

    /// <summary>Nothing follows; the other end may close.</summary>
    End = 4,
}

/// <summary>The first bytes of a frame.</summary>
/// <remarks>
/// Little-endian:
/// <code>
/// offset  bytes  is
/// 0       1      0xD7
/// 1       1      version of the link: 1
/// 2       1      kind: 1 control, 2 bulk begin, 3 bulk chunk, 4 end
/// 3       1      0
/// 4       4      stream: 0 for control and end; each bulk of one direction has its own number, counted from 1
/// 8       4      payload bytes: 1 to 262,144; of a chunk a multiple of 4
/// 12      4      CRC-32C over bytes 0 to 11 and the payload
/// 16      n      payload
/// </code>
/// Payload of control: one message. Of bulk begin: a MessagePack array of the number of floats (at least 1) and the
/// message. Of a chunk: floats, little-endian, as many as the frame holds; the last chunk ends at the number of floats.
/// Of end: a MessagePack text, why.
/// Control frames may come between the chunks of a bulk; another bulk may not begin before it is whole.
/// </remarks>
/// <param name="Kind">What it carries.</param>
/// <param name="Stream">Which bulk; 0 for none.</param>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="Crc">CRC-32C.</param>
public readonly record struct Frame(FrameKind Kind, uint Stream, int Length, uint Crc)
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Most bytes of a payload.</summary>
    public const int PayloadMax = 256 << 10;

    /// <summary>The version that both ends must speak.</summary>
    public const byte Version = 1;

    private const byte Magic = 0xD7;
    private const int CrcOffset = 12;

    /// <summary>Writes the first bytes of a frame with this payload.</summary>
    public static void WriteHeader(Span<byte> target, FrameKind kind, uint stream, ReadOnlySpan<byte> payload)
    {
        Invariant.Assert(payload.Length is > 0 and <= PayloadMax, "A payload fits into a frame.");
        target[0] = Magic;
        target[1] = Version;
        target[2] = (byte)kind;
        target[3] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], stream);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Checksum(target[..CrcOffset], payload));
    }

    /// <summary>Reads the first bytes of a frame; the payload is checked by <see cref="Check"/>.</summary>
    /// <exception cref="ProtocolException">They are none, or of another version.</exception>
    public static Frame ReadHeader(ReadOnlySpan<byte> source)
    {
        if (source.Length < HeaderBytes)
        {
            throw new ProtocolException("The frame ends too early.");
        }

        if (source[0] != Magic)
        {
            throw new ProtocolException($"The byte 0x{source[0]:X2} does not begin a frame.");
        }

        if (source[1] != Version)
        {
            throw new ProtocolException($"The frame is of version {source[1]}, not {Version}.");
        }

        FrameKind kind = (FrameKind)source[2];
        uint stream = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (kind is < FrameKind.Control or > FrameKind.End || source[3] != 0)
        {
            throw new ProtocolException($"There is no frame of kind {source[2]}, {source[3]}.");
        }

        if (length is 0 or > PayloadMax || (kind == FrameKind.BulkChunk && length % sizeof(float) != 0))
        {
            throw new ProtocolException($"A frame of {length} bytes; allowed are 1 to {PayloadMax}.");
        }

        return kind is FrameKind.Control or FrameKind.End == (stream == 0)
            ? new Frame(kind, stream, (int)length, BinaryPrimitives.ReadUInt32LittleEndian(source[CrcOffset..]))
            : throw new ProtocolException($"A frame of kind {kind} on stream {stream}.");
    }

    /// <summary>Checks that header and payload arrived as they were sent.</summary>
    /// <exception cref="ProtocolException">They did not.</exception>
    public static void Check(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (Checksum(header[..CrcOffset], payload) != BinaryPrimitives.ReadUInt32LittleEndian(header[CrcOffset..]))
        {
            throw new ProtocolException("A frame was damaged on its way: its checksum is wrong.");
        }
    }

    private static uint Checksum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        ~Crc32C(Crc32C(uint.MaxValue, header), payload);

    /// <summary>CRC-32C (Castagnoli), 8 bytes an instruction where the processor has one.</summary>
    private static uint Crc32C(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            ulong little = BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
            crc = BitOperations.Crc32C(crc, little);
        }

        foreach (byte last in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, last);
        }

        return crc;
    }
}
