using System.Buffers.Binary;
using System.Text;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>MessagePack once more, from its specification alone: the shortest form of each value.</summary>
internal static class OtherWriter
{
    public static byte[] Write(object value) => value switch
    {
        bool truth => [truth ? (byte)0xC3 : (byte)0xC2],
        int number => Number((ulong)number),
        long number => Number((ulong)number),
        double real => [0xCB, .. BigEndian((ulong)BitConverter.DoubleToInt64Bits(real), 8)],
        string text => Text(Encoding.UTF8.GetBytes(text)),
        byte[] { Length: <= 255 } bytes => [0xC4, (byte)bytes.Length, .. bytes],
        object[] { Length: <= 15 } values => [(byte)(0x90 + values.Length), .. values.SelectMany(Write)],
        object[] values => [0xDC, .. BigEndian((ulong)values.Length, 2), .. values.SelectMany(Write)],
        _ => throw new ArgumentException($"{value} is in no message."),
    };

    private static byte[] Number(ulong value) => value switch
    {
        < 128 => [(byte)value],
        < 256 => [0xCC, (byte)value],
        < 65_536 => [0xCD, .. BigEndian(value, 2)],
        < 4_294_967_296 => [0xCE, .. BigEndian(value, 4)],
        _ => [0xCF, .. BigEndian(value, 8)],
    };

    private static byte[] Text(byte[] text) => text.Length switch
    {
        < 32 => [(byte)(0xA0 + text.Length), .. text],
        < 256 => [0xD9, (byte)text.Length, .. text],
        < 65_536 => [0xDA, .. BigEndian((ulong)text.Length, 2), .. text],
        _ => [0xDB, .. BigEndian((ulong)text.Length, 4), .. text],
    };

    private static byte[] BigEndian(ulong value, int count)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes[^count..];
    }
}
