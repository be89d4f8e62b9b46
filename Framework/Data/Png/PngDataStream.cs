using System.Buffers.Binary;
using Distributed.Framework.Checkpoints;

namespace Distributed.Framework.Data.Png;

/// <summary>Takes compressed pixels and writes them as IDAT chunks; those of a small picture as one.</summary>
internal sealed class PngDataStream(Stream target) : WriteOnlyStream
{
    private const int ChunkBytesMax = 1 << 20;
    private readonly MemoryStream _chunk = new();

    /// <summary>Writes a chunk.</summary>
    public static void WriteChunk(Stream target, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        target.Write(number);
        target.Write(type);
        target.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Append(data, Crc32.Append(type)));
        target.Write(number);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _chunk.Write(buffer);
        if (_chunk.Length >= ChunkBytesMax)
        {
            WriteChunk();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _chunk.Length > 0)
        {
            WriteChunk();
        }

        base.Dispose(disposing);
    }

    private void WriteChunk()
    {
        WriteChunk(target, "IDAT"u8, _chunk.GetBuffer().AsSpan(0, (int)_chunk.Length));
        _chunk.SetLength(0);
    }
}
