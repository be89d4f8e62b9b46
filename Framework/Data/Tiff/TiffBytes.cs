using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>A TIFF file: numbers in its byte order, with every place checked. Safe from many threads.</summary>
/// <param name="file">The whole file.</param>
/// <param name="isBigEndian">Whether a number's upper byte comes first.</param>
/// <param name="isBig">Whether offsets and counts have 64 bits (BigTIFF).</param>
/// <param name="place">What messages call it.</param>
internal sealed class TiffBytes(RandomBytes file, bool isBigEndian, bool isBig, string place)
{
    /// <summary>Read at once, since numbers lie close together.</summary>
    private const int PartBytes = 1 << 12;

    private Part? _part;

    /// <summary>What is in the file.</summary>
    public RandomBytes File => file;

    /// <summary>What messages call the file.</summary>
    public string Place => place;

    /// <summary>Of the file, in bytes.</summary>
    public long Length => file.Length;

    /// <summary>Whether a number's upper byte comes first.</summary>
    public bool IsBigEndian => isBigEndian;

    /// <summary>Whether offsets and counts have 64 bits (BigTIFF).</summary>
    public bool IsBig => isBig;

    /// <summary>Bytes of an offset or count: 4 or 8.</summary>
    public int OffsetBytes => isBig ? sizeof(ulong) : sizeof(uint);

    /// <summary>A part of the file.</summary>
    /// <exception cref="DataException">It is not all inside.</exception>
    public ReadOnlySpan<byte> Slice(long offset, long length) => View(offset, length).Span;

    /// <summary>A part of the file as a stream.</summary>
    public MemoryStream Stream(long offset, long length)
    {
        ReadOnlyMemory<byte> bytes = View(offset, length);
        return MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
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

    private ReadOnlyMemory<byte> View(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > file.Length || length > file.Length - offset
            || length > Array.MaxLength)
        {
            throw FileFaults.Damaged(place, $"{length} bytes at {offset} are outside the file");
        }

        if (length > PartBytes)
        {
            return file.View(offset, (int)length);
        }

        Part? part = _part;
        if (part is null || offset < part.Start || offset + length > part.Start + part.Bytes.Length)
        {
            part = new Part(offset, file.View(offset, (int)Math.Min(PartBytes, file.Length - offset)));
            _part = part;
        }

        return part.Bytes.Slice((int)(offset - part.Start), (int)length);
    }

    private sealed record Part(long Start, ReadOnlyMemory<byte> Bytes);
}
