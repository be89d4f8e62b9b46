using System.Buffers;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>What waits to be sent: messages without floats, as frames already, and those with floats.</summary>
/// <remarks>Each kind keeps its order; those without floats overtake the others, also between their chunks.</remarks>
internal sealed class ChannelQueue<TOut, TIn>(IMessageFormat<TOut, TIn> format, ChannelLimits limits)
{
    /// <summary>What messages without floats may take, twice: waiting, and being written.</summary>
    private readonly long _framesMax = limits.QueueBytesMax / 16;

    private readonly object _gate = new();
    private readonly Queue<OutgoingPayload<TOut>> _payloads = new();
    private FrameBuffer _frames = new();

    /// <summary>Of all payloads that wait, and of the one that is being written.</summary>
    private long _payloadBytes;
    private bool _isClosed;
    private bool _isDropped;

    /// <summary>Adds a message; false if there is no room. After closing, it is let go.</summary>
    public bool TryAdd(TOut message)
    {
        (IMemoryOwner<float> Floats, PayloadStamp Stamp)? payload = format.PayloadOf(message);
        bool isAdded = false;
        try
        {
            lock (_gate)
            {
                isAdded = !_isClosed && (payload is { } some
                    ? TryAdd(new OutgoingPayload<TOut>(message, some.Floats, some.Stamp))
                    : TryAddFrame(message));
                Monitor.Pulse(_gate);
                return isAdded || _isClosed;
            }
        }
        finally
        {
            if (!isAdded)
            {
                payload?.Floats.Dispose();
            }
        }
    }

    /// <summary>Nothing more may come.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Closes and lets go of what waits.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            _isClosed = true;
            _isDropped = true;
            _frames.Cut(0);
            while (_payloads.TryDequeue(out OutgoingPayload<TOut>? payload))
            {
                Release(payload);
            }

            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits for something to write.</summary>
    /// <param name="frames">Empty; gets the frames that wait.</param>
    /// <param name="current">The payload that is being written; null gets the next one, to be released.</param>
    /// <returns>False if nothing more is to be written.</returns>
    public bool Wait(ref FrameBuffer frames, ref OutgoingPayload<TOut>? current)
    {
        lock (_gate)
        {
            while (!_isDropped)
            {
                bool hasFrames = _frames.Length > 0;
                if (hasFrames)
                {
                    (frames, _frames) = (_frames, frames);
                }

                if (current is not null || _payloads.TryDequeue(out current) || hasFrames)
                {
                    return true;
                }

                if (_isClosed)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            return false;
        }
    }

    /// <summary>Lets go of a payload.</summary>
    public void Release(OutgoingPayload<TOut> payload)
    {
        lock (_gate)
        {
            _payloadBytes -= payload.Bytes;
        }

        payload.Dispose();
    }

    private bool TryAddFrame(TOut message)
    {
        int start = _frames.Begin();
        bool isAdded = false;
        try
        {
            format.Write(_frames, message);
            _frames.End(start, FrameKind.Message);
            isAdded = start == 0 || _frames.Length <= _framesMax;
        }
        finally
        {
            if (!isAdded)
            {
                _frames.Cut(start);
            }
        }

        return isAdded;
    }

    private bool TryAdd(OutgoingPayload<TOut> added)
    {
        Invariant.Assert(added.FloatCount > 0, "A payload has floats.");
        for (int left = _payloads.Count; left > 0; left--)
        {
            // What a slow peer would get too late need not wait: it would only make the rest later.
            OutgoingPayload<TOut> waiting = _payloads.Dequeue();
            if (format.Supersedes(added.Message, waiting.Message))
            {
                Release(waiting);
            }
            else
            {
                _payloads.Enqueue(waiting);
            }
        }

        if (_payloads.Count > 0 && _payloadBytes + added.Bytes > limits.QueueBytesMax - (2 * _framesMax))
        {
            return false;
        }

        _payloadBytes += added.Bytes;
        _payloads.Enqueue(added);
        return true;
    }
}
