using System.Buffers;
using System.Text;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using MessagePack;

namespace Distributed.Protocol.Serialization;

/// <summary>Fields as messages have them: numbers, none negative, texts, addresses, each with its limit.</summary>
/// <remarks>
/// Lengths are checked before anything is allocated. Readers take some longer forms of a value too;
/// <see cref="MessageFormat"/> refuses these at the end.
/// </remarks>
internal static class MessageFields
{
    public const int NameMax = 256;
    public const int ReasonMax = 4096;
    public const int HashMax = 64;
    private const int AddressesMax = 16;
    private const int AddressMax = 264;

    private static readonly UTF8Encoding s_strict =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void Begin(this ref MessagePackWriter writer, int tag, int fields)
    {
        writer.WriteArrayHeader(fields + 1);
        writer.Write(tag);
    }

    public static void WriteNumber(this ref MessagePackWriter writer, long value)
    {
        Invariant.Assert(value >= 0, "Numbers in messages are not negative.");
        writer.Write(value);
    }

    /// <summary>A text of ours that is too long is cut: a reason for people, or a name.</summary>
    public static void WriteText(this ref MessagePackWriter writer, string text, int bytesMax)
    {
        if (Encoding.UTF8.GetByteCount(text) > bytesMax)
        {
            // No character has more than 3 bytes for each of its units.
            int length = bytesMax / 3;
            text = text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
        }

        writer.WriteWhole(text, bytesMax, "");
    }

    /// <exception cref="MessageTooLargeException">The text is too long.</exception>
    public static void WriteWhole(this ref MessagePackWriter writer, string text, int bytesMax, string name)
    {
        int count = Encoding.UTF8.GetByteCount(text);
        if (count > bytesMax)
        {
            throw new MessageTooLargeException(name, count, bytesMax);
        }

        writer.WriteStringHeader(count);
        Encoding.UTF8.GetBytes(text, writer.GetSpan(count));
        writer.Advance(count);
    }

    public static void WriteAddresses(this ref MessagePackWriter writer, IReadOnlyList<string> addresses)
    {
        Invariant.Assert(addresses.Count <= AddressesMax, "A run has no more coordinators than that.");
        writer.WriteArrayHeader(addresses.Count);
        foreach (string address in addresses)
        {
            writer.WriteWhole(address, AddressMax, "An address");
        }
    }

    public static (int Tag, int Fields) ReadStart(this ref MessagePackReader reader)
    {
        int count = reader.ReadArrayHeader();
        return count > 0 ? (reader.ReadInt(), count - 1) : throw new ProtocolException("A message without a tag.");
    }

    public static int ReadInt(this ref MessagePackReader reader) => (int)reader.ReadNumber(int.MaxValue);

    public static long ReadNumber(this ref MessagePackReader reader, long max)
    {
        ulong value = reader.ReadUInt64();
        return value <= (ulong)max
            ? (long)value
            : throw new ProtocolException($"The number {value}; at most {max} is allowed here.");
    }

    public static string ReadText(this ref MessagePackReader reader, int bytesMax)
    {
        if (!reader.TryReadStringSpan(out ReadOnlySpan<byte> bytes))
        {
            throw new ProtocolException("Not a text, or not all of it.");
        }

        return bytes.Length <= bytesMax
            ? s_strict.GetString(bytes)
            : throw new ProtocolException($"A text of {bytes.Length} bytes; at most {bytesMax} are allowed here.");
    }

    public static string[] ReadAddresses(this ref MessagePackReader reader)
    {
        int count = reader.ReadArrayHeader();
        if (count > AddressesMax)
        {
            throw new ProtocolException($"{count} addresses; at most {AddressesMax} are allowed.");
        }

        string[] addresses = new string[count];
        for (int i = 0; i < count; i++)
        {
            addresses[i] = reader.ReadText(AddressMax);
        }

        return addresses;
    }

    /// <summary>Reads so many bytes, or none.</summary>
    public static byte[] ReadBytes(this ref MessagePackReader reader, int count) => reader.ReadBytes() switch
    {
        { } bytes when bytes.Length == 0 || bytes.Length == count => bytes.ToArray(),
        _ => throw new ProtocolException($"Not {count} bytes."),
    };

    public static Term ReadTerm(this ref MessagePackReader reader) => new(reader.ReadInt());

    public static Step ReadStep(this ref MessagePackReader reader) => new(reader.ReadInt());

    public static ProtocolException Unknown(int tag, int fields) =>
        new($"There is no message with tag {tag} and {fields} fields.");

    public static InvariantException Unwritten(object message) =>
        new($"Every message has its line; {message.GetType().Name} has none.");
}
