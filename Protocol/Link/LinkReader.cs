using System.Buffers;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Link;

/// <summary>Who gets what a link receives.</summary>
internal interface ILinkTarget<in TIn>
{
    /// <summary>Bytes arrived.</summary>
    void OnHeard();

    /// <summary>A buffer for floats that are about to arrive.</summary>
    /// <exception cref="ProtocolException">They are not expected.</exception>
    IMemoryOwner<float> Rent(TIn message, int floatCount);

    /// <summary>A whole message, with its floats.</summary>
    void OnMessage(TIn message, IMemoryOwner<float>? bulk);
}

/// <summary>Reads frames from the stream until its end.</summary>
/// <remarks>
/// Headers and messages pass through a small buffer; of a chunk, what is not in there yet goes from the stream to its
/// owner's memory.
/// </remarks>
internal sealed class LinkReader<TOut, TIn>(
    Stream stream, WireFormat<TOut, TIn> format, ILinkTarget<TIn> target, LinkClock clock, LinkTraffic traffic)
    : IDisposable
    where TOut : class
    where TIn : class
{
    private const int BufferBytes = 16 << 10;
    private readonly byte[] _header = new byte[Frame.HeaderBytes];
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _start;
    private int _end;
    private IMemoryOwner<float>? _bulk;
    private TIn? _bulkMessage;
    private Memory<byte> _missing;
    private uint _stream;

    /// <summary>Reads until the other end says or shows that it has ended.</summary>
    /// <returns>Why the other end closes.</returns>
    /// <exception cref="ProtocolException">What came is no frame, or not what was expected.</exception>
    public async Task<string> RunAsync(CancellationToken stopping)
    {
        while (true)
        {
            if (_start == _end && !await FillAsync(1, stopping))
            {
                return "the connection ended";
            }

            clock.BeginFrame();
            await RequireAsync(Frame.HeaderBytes, stopping);
            _buffer.AsSpan(_start, Frame.HeaderBytes).CopyTo(_header);
            Frame frame = Frame.ReadHeader(_header);
            _start += Frame.HeaderBytes;
            if (frame.Kind == FrameKind.BulkChunk)
            {
                await ReadChunkAsync(frame, stopping);
                clock.EndFrame();
                continue;
            }

            await RequireAsync(frame.Length, stopping);
            ReadOnlyMemory<byte> payload = _buffer.AsMemory(_start, frame.Length);
            Frame.Check(_header, payload.Span);
            _start += frame.Length;
            clock.EndFrame();
            if (frame.Kind == FrameKind.End)
            {
                return WireFormat<TOut, TIn>.ReadEnd(payload.Span);
            }

            OnPayload(frame, payload.Span);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bulk?.Dispose();
        _bulk = null;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void OnPayload(Frame frame, ReadOnlySpan<byte> payload)
    {
        (TIn message, int floatCount) = format.ReadPayload(frame.Kind, payload);
        if (frame.Kind == FrameKind.Control)
        {
            target.OnMessage(message, null);
            return;
        }

        if (_bulk is not null || frame.Stream != _stream + 1)
        {
            throw new ProtocolException($"Bulk {frame.Stream} begins, after {_stream}.");
        }

        _stream = frame.Stream;
        _bulk = target.Rent(message, floatCount);
        Invariant.Assert(_bulk.Memory.Length == floatCount, "The buffer is as long as what it is for.");
        _bulkMessage = message;
        _missing = new FloatBytes(_bulk.Memory).Memory;
    }

    private async ValueTask ReadChunkAsync(Frame frame, CancellationToken stopping)
    {
        if (_bulk is null || frame.Stream != _stream || frame.Length > _missing.Length
            || (frame.Length < Frame.PayloadMax && frame.Length != _missing.Length))
        {
            throw new ProtocolException($"A chunk of {frame.Length} bytes of bulk {frame.Stream} is not expected.");
        }

        Memory<byte> chunk = _missing[..frame.Length];
        int known = Math.Min(chunk.Length, _end - _start);
        _buffer.AsSpan(_start, known).CopyTo(chunk.Span);
        _start += known;
        while (known < chunk.Length)
        {
            known += await ReadAsync(chunk[known..], stopping) is var count and > 0 ? count : throw Broken();
        }

        Frame.Check(_header, chunk.Span);
        _missing = _missing[chunk.Length..];
        if (_missing.Length == 0)
        {
            IMemoryOwner<float> bulk = _bulk;
            _bulk = null;
            target.OnMessage(_bulkMessage!, bulk);
        }
    }

    private static IOException Broken() => new("the connection broke");

    private async ValueTask RequireAsync(int bytes, CancellationToken stopping)
    {
        if (!await FillAsync(bytes, stopping))
        {
            throw Broken();
        }
    }

    /// <summary>Sees to it that so many bytes are in the buffer; false if the stream ends before.</summary>
    private async ValueTask<bool> FillAsync(int bytes, CancellationToken stopping)
    {
        if (bytes > _buffer.Length - _start)
        {
            byte[] target = bytes > _buffer.Length ? ArrayPool<byte>.Shared.Rent(bytes) : _buffer;
            _buffer.AsSpan(_start, _end - _start).CopyTo(target);
            if (target != _buffer)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = target;
            }

            (_start, _end) = (0, _end - _start);
        }

        while (_end - _start < bytes)
        {
            int count = await ReadAsync(_buffer.AsMemory(_end), stopping);
            if (count == 0)
            {
                return false;
            }

            _end += count;
        }

        return true;
    }

    private async ValueTask<int> ReadAsync(Memory<byte> bytes, CancellationToken stopping)
    {
        int count = await stream.ReadAsync(bytes, stopping);
        traffic.OnReceived(count);
        if (count > 0 && clock.Hear())
        {
            target.OnHeard();
        }

        return count;
    }
}
