using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Distributed.Protocol.Link;

/// <summary>What waits to be sent: messages without floats before those with floats, each kind in its order.</summary>
/// <typeparam name="TMessage">Messages.</typeparam>
/// <param name="controlMax">Most messages without floats.</param>
/// <param name="bulkMax">Most messages with floats.</param>
/// <param name="supersedes">Whether the first makes the second, which waits with floats, useless.</param>
internal sealed class LinkQueue<TMessage>(int controlMax, int bulkMax, Func<TMessage, TMessage, bool> supersedes)
    : IDisposable
    where TMessage : class
{
    private readonly Lock _lock = new();
    private readonly Queue<TMessage> _control = new();
    private readonly Queue<(TMessage Message, IMemoryOwner<float> Bulk)> _bulk = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private bool _isClosed;

    /// <summary>Adds a message; false if there is no room. After closing, it is let go.</summary>
    public bool TryAdd(TMessage message, IMemoryOwner<float>? bulk)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                bulk?.Dispose();
                return true;
            }

            if (bulk is not null)
            {
                DropSuperseded(message);
            }

            if (bulk is null ? _control.Count >= controlMax : _bulk.Count >= bulkMax)
            {
                bulk?.Dispose();
                return false;
            }

            if (bulk is null)
            {
                _control.Enqueue(message);
            }
            else
            {
                _bulk.Enqueue((message, bulk));
            }
        }

        _arrived.Release();
        return true;
    }

    /// <summary>Nothing more may come.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        _arrived.Release();
    }

    /// <summary>Waits for something to send; false when closed and empty.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken stopping)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_control.Count > 0 || _bulk.Count > 0)
                {
                    return true;
                }

                if (_isClosed)
                {
                    return false;
                }
            }

            await _arrived.WaitAsync(stopping);
        }
    }

    /// <summary>Takes the next message without floats.</summary>
    public bool TryTakeControl([NotNullWhen(true)] out TMessage? message)
    {
        lock (_lock)
        {
            return _control.TryDequeue(out message);
        }
    }

    /// <summary>Takes the next message with floats; the taker disposes of them.</summary>
    public bool TryTakeBulk(out (TMessage Message, IMemoryOwner<float> Bulk) next)
    {
        lock (_lock)
        {
            return _bulk.TryDequeue(out next);
        }
    }

    /// <summary>What a slow peer would get too late need not wait: it would only make the rest later.</summary>
    private void DropSuperseded(TMessage message)
    {
        for (int left = _bulk.Count; left > 0; left--)
        {
            (TMessage Message, IMemoryOwner<float> Bulk) queued = _bulk.Dequeue();
            if (supersedes(message, queued.Message))
            {
                queued.Bulk.Dispose();
            }
            else
            {
                _bulk.Enqueue(queued);
            }
        }
    }

    /// <summary>Closes and lets go of what waits.</summary>
    public void Dispose()
    {
        Close();
        while (TryTakeBulk(out (TMessage Message, IMemoryOwner<float> Bulk) next))
        {
            next.Bulk.Dispose();
        }
    }
}
