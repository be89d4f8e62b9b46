using System.Buffers;
using System.Runtime.InteropServices;

namespace Distributed.Protocol.Link;

/// <summary>Floats seen as the bytes they are, where a span cannot go. Does not own them.</summary>
internal sealed class FloatBytes(Memory<float> floats) : MemoryManager<byte>
{
    /// <inheritdoc/>
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(floats.Span);

    /// <inheritdoc/>
    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        MemoryHandle handle = floats.Pin();
        return new MemoryHandle((byte*)handle.Pointer + elementIndex, default, new HandleOwner(handle));
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // HandleOwner does it.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Somebody else owns the floats.
    }

    private sealed class HandleOwner(MemoryHandle handle) : IPinnable
    {
        public MemoryHandle Pin(int elementIndex) => throw new NotSupportedException();

        public void Unpin() => handle.Dispose();
    }
}
