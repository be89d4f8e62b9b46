using System.Buffers;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Link;

/// <summary>Writes what waits to the stream: control frames whenever there are some, else the next chunk.</summary>
/// <remarks>Floats go from their owner's memory to the stream; nothing is copied here.</remarks>
internal sealed class LinkWriter<TOut, TIn>(
    Stream stream, WireFormat<TOut, TIn> format, LinkQueue<TOut> queue, LinkClock clock, LinkTraffic traffic)
    : IDisposable
    where TOut : class
    where TIn : class
{
    private const int BufferBytes = 16 << 10;
    private const int EndBytesMax = 512;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _filled;
    private IMemoryOwner<float>? _bulk;
    private Memory<byte> _unsent;
    private uint _stream;

    /// <summary>Writes until the queue is closed and empty, and then the end.</summary>
    /// <param name="why">Gives the reason, at the end.</param>
    /// <param name="stopping">Gives up.</param>
    public async Task RunAsync(Func<string> why, CancellationToken stopping)
    {
        while (_bulk is not null || await queue.WaitAsync(stopping))
        {
            while (queue.TryTakeControl(out TOut? message))
            {
                await MakeRoomAsync(format.FrameBytesMax(message), stopping);
                _filled += format.WriteFrame(_buffer.AsSpan(_filled), message);
            }

            await WriteChunkAsync(stopping);
            await FlushAsync(stopping);
        }

        await MakeRoomAsync(EndBytesMax, stopping);
        _filled += WireFormat<TOut, TIn>.WriteEnd(_buffer.AsSpan(_filled), why());
        await FlushAsync(stopping);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bulk?.Dispose();
        _bulk = null;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private async ValueTask WriteChunkAsync(CancellationToken stopping)
    {
        if (_bulk is null)
        {
            if (!queue.TryTakeBulk(out (TOut Message, IMemoryOwner<float> Bulk) next))
            {
                return;
            }

            _bulk = next.Bulk;
            _unsent = new FloatBytes(_bulk.Memory).Memory;
            await MakeRoomAsync(format.FrameBytesMax(next.Message) + Frame.HeaderBytes, stopping);
            _filled += format.WriteFrame(_buffer.AsSpan(_filled), next.Message, ++_stream, _bulk.Memory.Length);
        }

        await MakeRoomAsync(Frame.HeaderBytes, stopping);
        Memory<byte> chunk = _unsent[..Math.Min(_unsent.Length, Frame.PayloadMax)];
        Frame.WriteHeader(_buffer.AsSpan(_filled), FrameKind.BulkChunk, _stream, chunk.Span);
        _filled += Frame.HeaderBytes;
        await FlushAsync(stopping);
        await WriteAsync(chunk, stopping);
        _unsent = _unsent[chunk.Length..];
        if (_unsent.Length == 0)
        {
            _bulk.Dispose();
            _bulk = null;
        }
    }

    private async ValueTask MakeRoomAsync(int bytes, CancellationToken stopping)
    {
        if (bytes > _buffer.Length - _filled)
        {
            await FlushAsync(stopping);
        }

        if (bytes > _buffer.Length)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(bytes);
        }
    }

    private ValueTask FlushAsync(CancellationToken stopping)
    {
        int filled = _filled;
        _filled = 0;
        return filled == 0 ? ValueTask.CompletedTask : WriteAsync(_buffer.AsMemory(0, filled), stopping);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken stopping)
    {
        clock.BeginWrite();
        await stream.WriteAsync(bytes, stopping);
        clock.EndWrite();
        traffic.OnSent(bytes.Length);
    }
}
