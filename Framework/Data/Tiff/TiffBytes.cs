using System.Buffers.Binary;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A TIFF file in memory: numbers in its byte order, with every place checked.</summary>
/// <param name="file">The whole file.</param>
/// <param name="isBigEndian">Whether a number's upper byte comes first.</param>
/// <param name="isBig">Whether offsets and counts have 64 bits (BigTIFF).</param>
/// <param name="place">What messages call it.</param>
internal sealed class TiffBytes(byte[] file, bool isBigEndian, bool isBig, string place)
{
    /// <summary>What messages call the file.</summary>
    public string Place => place;

    /// <summary>Of the file, in bytes.</summary>
    public int Length => file.Length;

    /// <summary>Whether a number's upper byte comes first.</summary>
    public bool IsBigEndian => isBigEndian;

    /// <summary>Whether offsets and counts have 64 bits (BigTIFF).</summary>
    public bool IsBig => isBig;

    /// <summary>Bytes of an offset or count: 4 or 8.</summary>
    public int OffsetBytes => isBig ? sizeof(ulong) : sizeof(uint);

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

    /// <summary>A 64-bit number.</summary>
    /// <exception cref="DataException">It is above the largest with a sign, or not all inside.</exception>
    public long Int64(long offset)
    {
        ReadOnlySpan<byte> bytes = Slice(offset, sizeof(long));
        long value = isBigEndian
            ? BinaryPrimitives.ReadInt64BigEndian(bytes)
            : BinaryPrimitives.ReadInt64LittleEndian(bytes);
        return value >= 0 ? value : throw FileFaults.Damaged(place, $"the number at {offset} is too large");
    }

    /// <summary>An offset or count, of 32 or 64 bits.</summary>
    public long Offset(long offset) => isBig ? Int64(offset) : UInt32(offset);
}
