using System.Buffers;
using System.Runtime.InteropServices;

namespace Distributed.Protocol.Tensors;

/// <summary>A message with floats, of which some chunks may be written. Owns the floats.</summary>
internal sealed class OutgoingPayload<TOut>(TOut message, IMemoryOwner<float> floats, PayloadStamp stamp) : IDisposable
{
    private readonly IProgressiveMemory? _progressive = floats as IProgressiveMemory;
    private Action? _wake;
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

    /// <summary>Whether enough floats are final for a chunk.</summary>
    public bool IsReady => Ready >= Math.Min(FrameHeader.ChunkMin / sizeof(float), FloatCount - _written);

    private int Ready => (_progressive?.Available ?? FloatCount) - _written;

    /// <summary>Is told from now on when more floats are final.</summary>
    public void Watch(Action wake)
    {
        if (_progressive is not null)
        {
            _wake = wake;
            _progressive.Advanced += wake;
        }
    }

    /// <summary>The next chunk, which counts as written.</summary>
    public ReadOnlySpan<byte> TakeChunk(int bytesMax)
    {
        int start = _written;
        _written += Math.Min(bytesMax / sizeof(float), Ready);
        return MemoryMarshal.AsBytes(floats.Memory.Span[start.._written]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_wake is not null)
        {
            _progressive!.Advanced -= _wake;
        }

        floats.Dispose();
    }
}
