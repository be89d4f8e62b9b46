using System.Buffers.Binary;
using System.Text;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Wire;

/// <summary>Writes the part of the MessagePack format that messages need, always in its shortest form.</summary>
/// <remarks>Numbers are big-endian, as the format says. Source: github.com/msgpack/msgpack, spec.md.</remarks>
/// <param name="target">Filled from its start; must have room.</param>
public ref struct MessagePackWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>An array of so many values, which follow.</summary>
    public void WriteArray(int count)
    {
        if (count <= 15)
        {
            Take(1)[0] = (byte)(MessagePackCode.FixArray | count);
        }
        else if (count <= ushort.MaxValue)
        {
            Span<byte> bytes = Take(3);
            bytes[0] = MessagePackCode.Array16;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], (ushort)count);
        }
        else
        {
            Span<byte> bytes = Take(5);
            bytes[0] = MessagePackCode.Array32;
            BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)count);
        }
    }

    /// <summary>A whole number that is not negative: messages have no others.</summary>
    public void WriteInteger(long value)
    {
        Invariant.Assert(value >= 0, "Numbers in messages are not negative.");
        Span<byte> bytes;
        switch (value)
        {
            case <= 0x7F:
                Take(1)[0] = (byte)value;
                break;
            case <= byte.MaxValue:
                bytes = Take(2);
                bytes[0] = MessagePackCode.UInt8;
                bytes[1] = (byte)value;
                break;
            case <= ushort.MaxValue:
                bytes = Take(3);
                bytes[0] = MessagePackCode.UInt16;
                BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], (ushort)value);
                break;
            case <= uint.MaxValue:
                bytes = Take(5);
                bytes[0] = MessagePackCode.UInt32;
                BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)value);
                break;
            default:
                bytes = Take(9);
                bytes[0] = MessagePackCode.UInt64;
                BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], (ulong)value);
                break;
        }
    }

    /// <summary>A number of 64 bits; every bit of it arrives.</summary>
    public void WriteDouble(double value)
    {
        Span<byte> bytes = Take(9);
        bytes[0] = MessagePackCode.Float64;
        BinaryPrimitives.WriteDoubleBigEndian(bytes[1..], value);
    }

    /// <summary>A truth value.</summary>
    public void WriteBoolean(bool value) => Take(1)[0] = value ? MessagePackCode.True : MessagePackCode.False;

    /// <summary>A text, in UTF-8.</summary>
    public void WriteText(string value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        Span<byte> bytes;
        if (count <= 31)
        {
            Take(1)[0] = (byte)(MessagePackCode.FixText | count);
        }
        else if (count <= byte.MaxValue)
        {
            bytes = Take(2);
            bytes[0] = MessagePackCode.Text8;
            bytes[1] = (byte)count;
        }
        else if (count <= ushort.MaxValue)
        {
            bytes = Take(3);
            bytes[0] = MessagePackCode.Text16;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], (ushort)count);
        }
        else
        {
            bytes = Take(5);
            bytes[0] = MessagePackCode.Text32;
            BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)count);
        }

        Encoding.UTF8.GetBytes(value, Take(count));
    }

    private Span<byte> Take(int count)
    {
        Invariant.Assert(count <= _target.Length - Length, "The buffer has room for the longest message.");
        Span<byte> taken = _target.Slice(Length, count);
        Length += count;
        return taken;
    }
}
