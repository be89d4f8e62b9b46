using System.Buffers.Binary;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A TIFF file in memory: numbers in its byte order, with every place checked.</summary>
/// <param name="file">The whole file.</param>
/// <param name="isBigEndian">Whether a number's upper byte comes first.</param>
/// <param name="place">What messages call it.</param>
internal sealed class TiffBytes(byte[] file, bool isBigEndian, string place)
{
    /// <summary>What messages call the file.</summary>
    public string Place => place;

    /// <summary>Of the file, in bytes.</summary>
    public int Length => file.Length;

    /// <summary>Whether a number's upper byte comes first.</summary>
    public bool IsBigEndian => isBigEndian;

    /// <summary>A part of the file.</summary>
    /// <exception cref="DataException">It is not all inside.</exception>
    public ReadOnlySpan<byte> Slice(long offset, long length) =>
        offset >= 0 && length >= 0 && offset <= file.Length && length <= file.Length - offset
            ? file.AsSpan((int)offset, (int)length)
            : throw FileFaults.Damaged(place, $"{length} bytes at {offset} are outside the file");

    /// <summary>A part of the file as a stream.</summary>
    public MemoryStream Stream(long offset, long length)
    {
        _ = Slice(offset, length);
        return new MemoryStream(file, (int)offset, (int)length, writable: false);
    }

    /// <summary>A 16-bit number.</summary>
    public ushort UInt16(long offset)
    {
        ReadOnlySpan<byte> bytes = Slice(offset, sizeof(ushort));
        return isBigEndian
            ? BinaryPrimitives.ReadUInt16BigEndian(bytes)
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    /// <summary>A 32-bit number.</summary>
    public uint UInt32(long offset)
    {
        ReadOnlySpan<byte> bytes = Slice(offset, sizeof(uint));
        return isBigEndian
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
