namespace Distributed.Framework.Data.Storage;

/// <summary>Bytes that are in memory.</summary>
internal sealed class MemoryBytes(ReadOnlyMemory<byte> bytes) : RandomBytes
{
    /// <inheritdoc/>
    public override long Length => bytes.Length;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> target) => View(offset, target.Length).Span.CopyTo(target);

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> View(long offset, int length) =>
        offset >= 0 && offset <= bytes.Length - length
            ? bytes.Slice((int)offset, length)
            : throw new EndOfStreamException();
}
