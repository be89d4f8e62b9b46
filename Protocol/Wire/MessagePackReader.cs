using System.Buffers.Binary;
using System.Text;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Wire;

/// <summary>Reads what <see cref="MessagePackWriter"/> writes, and nothing else.</summary>
/// <remarks>
/// The shortest form is required: every value has exactly one encoding, so equal messages are equal bytes, and a
/// damaged byte cannot hide in a longer form. Lengths are checked against the limit and against what is there before
/// anything is allocated.
/// </remarks>
/// <param name="source">The bytes, all of them.</param>
public ref struct MessagePackReader(ReadOnlySpan<byte> source)
{
    private static readonly UTF8Encoding s_strict =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _source = source;

    /// <summary>Bytes read.</summary>
    public int Position { get; private set; }

    /// <summary>Reads the start of an array.</summary>
    /// <param name="countMax">More are refused.</param>
    /// <exception cref="ProtocolException">Something else, or too many.</exception>
    public int ReadArray(int countMax)
    {
        byte code = Take(1)[0];
        long count = code switch
        {
            >= MessagePackCode.FixArray and <= MessagePackCode.FixArray + 15 => code & 15,
            MessagePackCode.Array16 => Shortest(BinaryPrimitives.ReadUInt16BigEndian(Take(2)), above: 15),
            MessagePackCode.Array32 => Shortest(BinaryPrimitives.ReadUInt32BigEndian(Take(4)), above: ushort.MaxValue),
            _ => throw Unexpected(code, "an array"),
        };
        return count <= countMax
            ? (int)count
            : throw new ProtocolException($"An array of {count} values; at most {countMax} are allowed here.");
    }

    /// <summary>Reads a whole number that is not negative.</summary>
    /// <param name="max">More is refused.</param>
    /// <exception cref="ProtocolException">Something else, or too large.</exception>
    public long ReadInteger(long max)
    {
        byte code = Take(1)[0];
        ulong value = code switch
        {
            <= 0x7F => code,
            MessagePackCode.UInt8 => (ulong)Shortest(Take(1)[0], above: 0x7F),
            MessagePackCode.UInt16 => (ulong)Shortest(BinaryPrimitives.ReadUInt16BigEndian(Take(2)), byte.MaxValue),
            MessagePackCode.UInt32 => (ulong)Shortest(BinaryPrimitives.ReadUInt32BigEndian(Take(4)), ushort.MaxValue),
            MessagePackCode.UInt64 => BinaryPrimitives.ReadUInt64BigEndian(Take(8)),
            _ => throw Unexpected(code, "a whole number"),
        };
        if (code == MessagePackCode.UInt64 && value <= uint.MaxValue)
        {
            throw NotShortest();
        }

        return value <= (ulong)max
            ? (long)value
            : throw new ProtocolException($"The number {value}; at most {max} is allowed here.");
    }

    /// <summary>Reads a number of 64 bits.</summary>
    /// <exception cref="ProtocolException">Something else.</exception>
    public double ReadDouble()
    {
        byte code = Take(1)[0];
        return code == MessagePackCode.Float64
            ? BinaryPrimitives.ReadDoubleBigEndian(Take(8))
            : throw Unexpected(code, "a number of 64 bits");
    }

    /// <summary>Reads a truth value.</summary>
    /// <exception cref="ProtocolException">Something else.</exception>
    public bool ReadBoolean()
    {
        byte code = Take(1)[0];
        return code switch
        {
            MessagePackCode.True => true,
            MessagePackCode.False => false,
            _ => throw Unexpected(code, "a truth value"),
        };
    }

    /// <summary>Reads a text.</summary>
    /// <param name="bytesMax">A longer one is refused.</param>
    /// <exception cref="ProtocolException">Something else, too long, or not UTF-8.</exception>
    public string ReadText(int bytesMax)
    {
        byte code = Take(1)[0];
        long count = code switch
        {
            >= MessagePackCode.FixText and <= MessagePackCode.FixText + 31 => code & 31,
            MessagePackCode.Text8 => Shortest(Take(1)[0], above: 31),
            MessagePackCode.Text16 => Shortest(BinaryPrimitives.ReadUInt16BigEndian(Take(2)), byte.MaxValue),
            MessagePackCode.Text32 => Shortest(BinaryPrimitives.ReadUInt32BigEndian(Take(4)), ushort.MaxValue),
            _ => throw Unexpected(code, "a text"),
        };
        if (count > bytesMax)
        {
            throw new ProtocolException($"A text of {count} bytes; at most {bytesMax} are allowed here.");
        }

        try
        {
            return s_strict.GetString(Take((int)count));
        }
        catch (DecoderFallbackException exception)
        {
            throw new ProtocolException("A text is not UTF-8.", exception);
        }
    }

    /// <summary>Checks that nothing follows.</summary>
    /// <exception cref="ProtocolException">Something does.</exception>
    public readonly void End()
    {
        if (Position != _source.Length)
        {
            throw new ProtocolException($"{_source.Length - Position} bytes follow the message.");
        }
    }

    private static long Shortest(uint value, uint above) => value > above ? value : throw NotShortest();

    private static ProtocolException NotShortest() => new("A value is not in its shortest form.");

    private static ProtocolException Unexpected(byte code, string wanted) =>
        new($"The byte 0x{code:X2} does not begin {wanted}.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _source.Length - Position)
        {
            throw new ProtocolException("The message ends too early.");
        }

        ReadOnlySpan<byte> taken = _source.Slice(Position, count);
        Position += count;
        return taken;
    }
}
