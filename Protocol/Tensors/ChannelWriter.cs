using System.Buffers.Binary;
using System.Text;

namespace Distributed.Protocol.Tensors;

/// <summary>Writes what waits to the stream: messages whenever there are some, and the next chunk.</summary>
internal sealed class ChannelWriter<TOut, TIn>(
    Stream stream,
    IMessageFormat<TOut, TIn> format,
    ChannelQueue<TOut, TIn> queue,
    ChannelClock clock,
    ChannelTraffic traffic)
{
    /// <summary>
    /// The first bytes of a chunk are copied behind its header: a write of few bytes costs more, since it wakes the
    /// other end for them alone. With TLS they are one record.
    /// </summary>
    private const int FirstBytes = 16 << 10;
    private const int FastMilliseconds = 50;
    private const int SlowMilliseconds = 250;
    private const int ReasonUnitsMax = 200;

    private FrameBuffer _frames = new();
    private OutgoingPayload<TOut>? _payload;
    private uint _stream;

    /// <summary>
    /// Fewer chunks wake the other end less often; but a message has to wait for a chunk, and a slow peer must be seen
    /// to read.
    /// </summary>
    private int _chunkBytes = FrameHeader.ChunkMax / 4;

    /// <summary>Writes until the queue is closed and empty, and then the end.</summary>
    /// <param name="why">Gives the reason, at the end.</param>
    /// <exception cref="ConnectionBrokenException">It cannot be written.</exception>
    public void Run(Func<string> why)
    {
        try
        {
            while (queue.Wait(ref _frames, ref _payload))
            {
                if (_payload is { } payload)
                {
                    WriteChunk(payload);
                }

                Flush();
                FlushStream();
            }
        }
        finally
        {
            Release();
        }

        int start = _frames.Begin();
        string reason = why() is { Length: > 0 } text ? text : "closed";
        Encoding.UTF8.GetBytes(reason.AsSpan(0, Math.Min(reason.Length, ReasonUnitsMax)), _frames);
        _frames.End(start, FrameKind.End);
        Flush();
        FlushStream();
    }

    private void WriteChunk(OutgoingPayload<TOut> payload)
    {
        if (payload.IsNew)
        {
            int begin = _frames.Begin();
            BinaryPrimitives.WriteInt32LittleEndian(_frames.GetSpan(sizeof(int)), payload.FloatCount);
            _frames.Advance(sizeof(int));
            format.Write(_frames, payload.Message);
            _frames.End(begin, FrameKind.Payload, ++_stream, payload.Stamp);
        }

        long start = Environment.TickCount64;
        ReadOnlySpan<byte> chunk = payload.TakeChunk(_chunkBytes);
        FrameHeader.Write(_frames.GetSpan(FrameHeader.Bytes), FrameKind.Chunk, _stream, payload.Stamp, chunk);
        _frames.Advance(FrameHeader.Bytes);
        int copied = Math.Clamp(FirstBytes - _frames.Length, 0, chunk.Length);
        chunk[..copied].CopyTo(_frames.GetSpan(copied));
        _frames.Advance(copied);
        Flush();
        if (copied < chunk.Length)
        {
            Write(chunk[copied..]);
        }

        long time = Environment.TickCount64 - start;
        _chunkBytes = time < FastMilliseconds ? Math.Min(_chunkBytes * 2, FrameHeader.ChunkMax)
            : time > SlowMilliseconds ? Math.Max(_chunkBytes / 2, FrameHeader.ChunkMin)
            : _chunkBytes;
        if (payload.IsWritten)
        {
            Release();
        }
    }

    private void Release()
    {
        if (_payload is { } payload)
        {
            _payload = null;
            queue.Release(payload);
        }
    }

    private void Flush()
    {
        if (_frames.Length > 0)
        {
            Write(_frames.Written);
            _frames.Cut(0);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            ReadOnlySpan<byte> part = bytes[..Math.Min(bytes.Length, FrameHeader.ChunkMax)];
            clock.BeginWrite();
            try
            {
                stream.Write(part);
            }
            catch (Exception exception) when (ConnectionBrokenException.Is(exception))
            {
                throw new ConnectionBrokenException(exception);
            }

            clock.EndWrite();
            traffic.OnSent(part.Length);
            bytes = bytes[part.Length..];
        }
    }

    /// <summary>A stream below TLS may have gathered what was written.</summary>
    private void FlushStream()
    {
        clock.BeginWrite();
        try
        {
            stream.Flush();
        }
        catch (Exception exception) when (ConnectionBrokenException.Is(exception))
        {
            throw new ConnectionBrokenException(exception);
        }

        clock.EndWrite();
    }
}
