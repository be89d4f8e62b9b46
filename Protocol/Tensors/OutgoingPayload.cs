using System.Buffers;
using System.Runtime.InteropServices;

namespace Distributed.Protocol.Tensors;

/// <summary>A message with floats, of which some chunks may be written. Owns the floats.</summary>
internal sealed class OutgoingPayload<TOut>(TOut message, IMemoryOwner<float> floats, PayloadStamp stamp) : IDisposable
{
    private int _written;

    /// <summary>What is said beside the floats.</summary>
    public TOut Message => message;

    /// <summary>Where the floats belong.</summary>
    public PayloadStamp Stamp => stamp;

    /// <summary>Floats in all.</summary>
    public int FloatCount => floats.Memory.Length;

    /// <summary>Bytes in all.</summary>
    public long Bytes => (long)FloatCount * sizeof(float);

    /// <summary>Whether nothing of it is written.</summary>
    public bool IsNew => _written == 0;

    /// <summary>Whether all of it is written.</summary>
    public bool IsWritten => _written == FloatCount;

    /// <summary>The next chunk, which counts as written.</summary>
    public ReadOnlySpan<byte> TakeChunk(int bytesMax)
    {
        int start = _written;
        _written += Math.Min(bytesMax / sizeof(float), FloatCount - _written);
        return MemoryMarshal.AsBytes(floats.Memory.Span[start.._written]);
    }

    /// <inheritdoc/>
    public void Dispose() => floats.Dispose();
}
