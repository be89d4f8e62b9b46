using System.Buffers;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>Frames that wait to be written together.</summary>
internal sealed class FrameBuffer : IBufferWriter<byte>
{
    /// <summary>A larger one is given back when it is empty.</summary>
    private const int KeptBytesMax = 64 << 10;
    private const int FirstBytes = 16 << 10;

    private byte[] _bytes = new byte[FirstBytes];

    /// <summary>Bytes in here.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes in here.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Takes room for a header; <see cref="End"/> fills it when what follows is there.</summary>
    /// <returns>Where the frame begins.</returns>
    public int Begin()
    {
        int start = Length;
        GetSpan(FrameHeader.Bytes);
        Advance(FrameHeader.Bytes);
        return start;
    }

    /// <summary>Ends the frame that begins there.</summary>
    public void End(int start, FrameKind kind, uint stream = 0, PayloadStamp stamp = default) =>
        FrameHeader.Write(
            _bytes.AsSpan(start), kind, stream, stamp, _bytes.AsSpan(start..Length)[FrameHeader.Bytes..]);

    /// <summary>Forgets what was written from there on.</summary>
    public void Cut(int start)
    {
        Length = start;
        if (start == 0 && _bytes.Length > KeptBytesMax)
        {
            _bytes = new byte[FirstBytes];
        }
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        Invariant.Assert(count >= 0 && count <= _bytes.Length - Length, "What is written was asked for.");
        Length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_bytes.Length - Length < Math.Max(sizeHint, 1))
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + sizeHint));
        }

        return _bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
