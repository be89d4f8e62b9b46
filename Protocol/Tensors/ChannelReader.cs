using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>Reads frames from the stream until its end.</summary>
/// <remarks>
/// Headers and messages pass through a small buffer; of a chunk, what is not in there yet goes from the stream to its
/// owner's memory. Once this end has closed, what arrives is no longer wanted.
/// </remarks>
internal sealed class ChannelReader<TOut, TIn>(
    Stream stream,
    IMessageFormat<TOut, TIn> format,
    IChannelHandler<TIn> handler,
    ChannelClock clock,
    ChannelTraffic traffic,
    Func<bool> isClosed)
    where TIn : class
{
    private const int BufferBytes = 16 << 10;
    private byte[] _buffer = new byte[BufferBytes];
    private int _start;
    private int _end;

    private uint _stream;
    private PayloadStamp _stamp;
    private TIn? _message;
    private IMemoryOwner<float>? _floats;
    private int _received;

    /// <summary>Reads until the other end says that it closes.</summary>
    /// <returns>Why it closes.</returns>
    /// <exception cref="ProtocolException">What came is no frame, or not what was expected.</exception>
    /// <exception cref="ConnectionBrokenException">Nothing more can be read.</exception>
    public string Run()
    {
        try
        {
            while (true)
            {
                Require(1, "the connection ended");
                clock.BeginFrame();
                Require(FrameHeader.Bytes, "the connection ended within a frame");
                FrameHeader header = FrameHeader.Read(
                    _buffer.AsSpan(_start, FrameHeader.Bytes), format.BytesMax, out uint checksum);
                _start += FrameHeader.Bytes;
                if (header.Kind == FrameKind.Chunk)
                {
                    ReadChunk(header, checksum);
                    continue;
                }

                Require(header.Length, "the connection ended within a frame");
                ReadOnlyMemory<byte> body = _buffer.AsMemory(_start, header.Length);
                _start += header.Length;
                header.Check(Checksum.Append(checksum, body.Span));
                clock.EndFrame();
                if (header.Kind == FrameKind.End)
                {
                    return Printable(Encoding.UTF8.GetString(body.Span));
                }

                if (!isClosed())
                {
                    OnBody(header, body);
                }
            }
        }
        finally
        {
            clock.EndFrame();
            _floats?.Dispose();
            _floats = null;
        }
    }

    /// <summary>Reads and forgets until nothing more can be read.</summary>
    public void Drain()
    {
        try
        {
            while (true)
            {
                _end = 0;
                Read(_buffer);
            }
        }
        catch (ConnectionBrokenException)
        {
            // That was to be waited for.
        }
    }

    /// <summary>A reason that another program gives is shown to people.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Select(unit => char.IsControl(unit) ? '?' : unit));

    private void OnBody(FrameHeader header, ReadOnlyMemory<byte> body)
    {
        bool hasFloats = header.Kind == FrameKind.Payload;
        if (hasFloats && body.Length <= sizeof(int))
        {
            throw new ProtocolException("A payload without a message.");
        }

        TIn message = format.Read(hasFloats ? body[sizeof(int)..] : body);
        if (format.StampOf(message) != (hasFloats ? header.Stamp : null))
        {
            throw new ProtocolException($"{message.GetType().Name} in a frame of kind {header.Kind}.");
        }

        if (hasFloats)
        {
            BeginPayload(header, message, BinaryPrimitives.ReadUInt32LittleEndian(body.Span));
        }
        else
        {
            handler.OnMessage(message);
        }
    }

    private void BeginPayload(FrameHeader header, TIn message, uint floatCount)
    {
        if (_floats is not null || header.Stream != _stream + 1 || floatCount is 0 or > int.MaxValue)
        {
            throw new ProtocolException($"Payload {header.Stream} of {floatCount} floats begins, after {_stream}.");
        }

        _floats = handler.Rent(message, (int)floatCount);
        Invariant.Assert(_floats.Memory.Length == floatCount, "The buffer is as long as what it is for.");
        (_message, _stream, _stamp, _received) = (message, header.Stream, header.Stamp, 0);
    }

    private void ReadChunk(FrameHeader header, uint checksum)
    {
        if (isClosed())
        {
            SkipChunk(header.Length);
            return;
        }

        Span<byte> missing = _floats is null ? [] : MemoryMarshal.AsBytes(_floats.Memory.Span)[_received..];
        if (header.Stream != _stream || header.Stamp != _stamp
            || header.Length > missing.Length || header.Length % sizeof(float) != 0
            || header.Length < Math.Min(missing.Length, FrameHeader.ChunkMin))
        {
            throw new ProtocolException(
                $"A chunk of {header.Length} bytes of payload {header.Stream}, {header.Stamp.Term}, "
                + $"{header.Stamp.Step}, is not expected.");
        }

        Span<byte> chunk = missing[..header.Length];
        int known = Math.Min(chunk.Length, _end - _start);
        _buffer.AsSpan(_start, known).CopyTo(chunk);
        _start += known;
        while (known < chunk.Length)
        {
            known += Read(chunk[known..]);
        }

        header.Check(Checksum.Append(checksum, chunk));
        clock.EndFrame();
        _received += chunk.Length;
        if (chunk.Length == missing.Length && !isClosed())
        {
            TIn message = format.WithPayload(_message!, _floats!);
            _floats = null;
            handler.OnMessage(message);
        }
    }

    private void SkipChunk(int length)
    {
        while (length > 0)
        {
            Require(1, "the connection ended within a payload");
            int count = Math.Min(length, _end - _start);
            _start += count;
            length -= count;
        }

        clock.EndFrame();
    }

    /// <summary>Sees to it that so many bytes are in the buffer.</summary>
    private void Require(int bytes, string broken)
    {
        if (bytes > _buffer.Length - _start || (_start == _end && _buffer.Length > BufferBytes))
        {
            // A long message needs a longer buffer, for as long as it is there.
            int size = Math.Max(BufferBytes, bytes);
            byte[] target = _buffer.Length == size ? _buffer : new byte[size];
            _buffer.AsSpan(_start.._end).CopyTo(target);
            (_buffer, _start, _end) = (target, 0, _end - _start);
        }

        while (_end - _start < bytes)
        {
            _end += Read(_buffer.AsSpan(_end), broken);
        }
    }

    /// <summary>Reads at least a byte.</summary>
    private int Read(Span<byte> target, string broken = "the connection ended within a payload")
    {
        int count;
        try
        {
            count = stream.Read(target);
        }
        catch (Exception exception) when (ConnectionBrokenException.Is(exception))
        {
            throw new ConnectionBrokenException(exception);
        }

        if (count == 0)
        {
            throw new ConnectionBrokenException(broken);
        }

        traffic.OnReceived(count);
        if (clock.Hear() && !isClosed())
        {
            handler.OnHeard();
        }

        return count;
    }
}
