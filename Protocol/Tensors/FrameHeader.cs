using System.Buffers.Binary;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Tensors;

/// <summary>What a frame carries.</summary>
internal enum FrameKind
{
    /// <summary>A message without floats.</summary>
    Message = 1,

    /// <summary>A message with floats, which follow in chunks of the same stream.</summary>
    Payload = 2,

    /// <summary>The next floats of a stream.</summary>
    Chunk = 3,

    /// <summary>Nothing follows; the other end may close.</summary>
    End = 4,
}

/// <summary>To which step of which life of the coordinator floats belong; zeros for those of none.</summary>
public readonly record struct PayloadStamp(Term Term, Step Step);

/// <summary>The first bytes of a frame.</summary>
/// <remarks>
/// Little-endian:
/// <code>
/// offset  bytes  is
/// 0       1      0xD8
/// 1       1      version of the channel: 1
/// 2       1      kind: 1 message, 2 payload, 3 chunk, 4 end
/// 3       1      0
/// 4       4      stream: each payload of one direction has its own number, counted from 1; 0 for message and end
/// 8       4      bytes that follow: 1 to 1,048,576; of a message as many as its reader allows
/// 12      4      term of the payload; 0 for message and end
/// 16      4      step of the payload; 0 for message and end
/// 20      4      CRC-32C over bytes 0 to 19 and what follows
/// 24      n      a message; the number of floats (4 bytes, at least 1) and a message; floats; why, in UTF-8
/// </code>
/// All chunks but a payload's last have 65,536 bytes at least. Messages may come between the chunks of a payload;
/// another payload may not begin before it is whole.
/// </remarks>
internal readonly record struct FrameHeader(FrameKind Kind, uint Stream, PayloadStamp Stamp, int Length, uint Checksum)
{
    /// <summary>Bytes of a header.</summary>
    public const int Bytes = 24;

    /// <summary>Most bytes of a chunk.</summary>
    public const int ChunkMax = 1 << 20;

    /// <summary>Least bytes of a chunk that is not a payload's last.</summary>
    public const int ChunkMin = 64 << 10;

    /// <summary>The version that both ends must speak.</summary>
    public const byte Version = 1;

    private const byte Magic = 0xD8;
    private const int ChecksumOffset = 20;

    /// <summary>Writes the header of what follows.</summary>
    public static void Write(
        Span<byte> target, FrameKind kind, uint stream, PayloadStamp stamp, ReadOnlySpan<byte> following)
    {
        Invariant.Assert(
            following.Length > 0 && (kind != FrameKind.Chunk || following.Length <= ChunkMax),
            "A frame holds something, and a chunk not too much.");
        target[0] = Magic;
        target[1] = Version;
        target[2] = (byte)kind;
        target[3] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], stream);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], following.Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], stamp.Term.Value);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], stamp.Step.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(
            target[ChecksumOffset..],
            Tensors.Checksum.Append(Tensors.Checksum.Append(0, target[..ChecksumOffset]), following));
    }

    /// <summary>Reads a header.</summary>
    /// <param name="source">Its bytes.</param>
    /// <param name="messageMax">Most bytes of a message.</param>
    /// <param name="checksum">Of the header; to be continued over what follows.</param>
    /// <exception cref="ProtocolException">It is none, or of another version.</exception>
    public static FrameHeader Read(ReadOnlySpan<byte> source, int messageMax, out uint checksum)
    {
        if (source[0] != Magic)
        {
            throw new ProtocolException($"The byte 0x{source[0]:X2} does not begin a frame.");
        }

        if (source[1] != Version)
        {
            throw new ProtocolException($"The frame is of version {source[1]}, not {Version}.");
        }

        FrameKind kind = (FrameKind)source[2];
        if (kind is < FrameKind.Message or > FrameKind.End || source[3] != 0)
        {
            throw new ProtocolException($"There is no frame of kind {source[2]}, {source[3]}.");
        }

        uint stream = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        int max = kind == FrameKind.Chunk ? ChunkMax : messageMax;
        if (length == 0 || length > max)
        {
            throw new ProtocolException($"A frame of {length} bytes; allowed are 1 to {max}.");
        }

        PayloadStamp stamp = new(
            new Term(BinaryPrimitives.ReadInt32LittleEndian(source[12..])),
            new Step(BinaryPrimitives.ReadInt32LittleEndian(source[16..])));
        bool isPlain = kind is FrameKind.Message or FrameKind.End;
        if (isPlain != (stream == 0) || (isPlain && stamp != default))
        {
            throw new ProtocolException($"A frame of kind {kind} on stream {stream}, of {stamp.Term}, {stamp.Step}.");
        }

        checksum = Tensors.Checksum.Append(0, source[..ChecksumOffset]);
        uint expected = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumOffset..]);
        return new FrameHeader(kind, stream, stamp, (int)length, expected);
    }

    /// <summary>Checks that the frame arrived as it was sent.</summary>
    /// <param name="checksum">Of header and what followed.</param>
    /// <exception cref="ProtocolException">It did not.</exception>
    public void Check(uint checksum)
    {
        if (checksum != Checksum)
        {
            throw new ProtocolException("A frame was damaged on its way: its checksum is wrong.");
        }
    }
}
