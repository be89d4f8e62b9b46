using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Pickle;

/// <summary>Reads a file's bytes in order and says where it stopped; never takes more than is there.</summary>
/// <param name="stream">Seekable, so that lengths can be checked against what is left.</param>
/// <param name="place">The file, for messages.</param>
internal sealed class PickleReader(Stream stream, string place)
{
    private const int LineBytesMax = 4096;
    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly byte[] _number = new byte[8];

    /// <summary>Bytes from here to the end.</summary>
    public long BytesLeft => stream.Length - stream.Position;

    /// <summary>Position of the next byte.</summary>
    public long Position => stream.Position;

    public byte ReadByte()
    {
        int value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw Fault("it ends too early");
    }

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(ReadNumber(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(ReadNumber(4));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadNumber(4));

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(ReadNumber(8));

    public double ReadDoubleBigEndian() => BinaryPrimitives.ReadDoubleBigEndian(ReadNumber(8));

    /// <summary>Bytes whose number the file names; checked before anything is allocated.</summary>
    public byte[] ReadBytes(long count)
    {
        if (count < 0 || count > BytesLeft || count > Array.MaxLength)
        {
            throw Fault($"{count} bytes are announced, {BytesLeft} are left");
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)count);
        ReadInto(bytes);
        return bytes;
    }

    /// <summary>UTF-8 text whose length in bytes the file names.</summary>
    public string ReadText(long count) => Decode(ReadBytes(count));

    /// <summary>UTF-8 text up to a line feed.</summary>
    public string ReadLine()
    {
        List<byte> bytes = [];
        for (byte value = ReadByte(); value != '\n'; value = ReadByte())
        {
            if (bytes.Count >= LineBytesMax)
            {
                throw Fault("a line is too long");
            }

            bytes.Add(value);
        }

        return Decode([.. bytes]);
    }

    /// <summary>A fault at this place, ready to be thrown.</summary>
    public DataException Fault(string why) => new(
        string.Create(CultureInfo.InvariantCulture, $"{place} is damaged at byte {Position}: {why}."),
        "Copy the file again, or save it again with torch.save.");

    /// <summary>Content that is understood and not wanted, ready to be thrown.</summary>
    public DataException Refusal(string what) => new(
        string.Create(CultureInfo.InvariantCulture, $"{place}, byte {Position}: {what} is refused."),
        "Only tensors, tuples, lists, dicts, strings and numbers are read; save these alone, and trust no other file.");

    private string Decode(byte[] bytes)
    {
        try
        {
            return s_strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Fault("a text is not UTF-8");
        }
    }

    private ReadOnlySpan<byte> ReadNumber(int count)
    {
        ReadInto(_number.AsSpan(0, count));
        return _number;
    }

    private void ReadInto(Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw Fault("it ends too early");
        }
    }
}
