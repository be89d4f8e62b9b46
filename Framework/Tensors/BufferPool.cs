using System.Buffers;

namespace Distributed.Framework.Tensors;

/// <summary>Buffers of one length that are used again and again, from any thread.</summary>
/// <param name="length">Floats of each buffer.</param>
public sealed class BufferPool(int length)
{
    private readonly Lock _lock = new();
    private readonly Stack<PooledBuffer> _free = new();
    private int _outstanding;
    private int _outstandingMost;

    /// <summary>Floats of each buffer.</summary>
    public int Length { get; } = length;

    /// <summary>Buffers that somebody holds: those rented and not given back.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _outstanding;
            }
        }
    }

    /// <summary>A buffer with one reference; its content is arbitrary. Allocates only if none is free.</summary>
    public PooledBuffer Rent()
    {
        PooledBuffer? buffer;
        lock (_lock)
        {
            _free.TryPop(out buffer);
            _outstanding++;
            _outstandingMost = Math.Max(_outstandingMost, _outstanding);
        }

        buffer ??= new PooledBuffer(this);
        buffer.Begin();
        return buffer;
    }

    /// <summary>Allocates so many buffers more than were ever held at once, so that soon no rent has to.</summary>
    public void Reserve(int spare)
    {
        lock (_lock)
        {
            while (_outstanding + _free.Count < _outstandingMost + spare)
            {
                _free.Push(new PooledBuffer(this));
            }
        }
    }

    internal void Return(PooledBuffer buffer)
    {
        lock (_lock)
        {
            _free.Push(buffer);
            _outstanding--;
        }
    }
}

/// <summary>A buffer that goes back to its pool when the last holder disposes of it.</summary>
/// <remarks>Holders on several threads may read at once; writing needs the only reference.</remarks>
public sealed class PooledBuffer : IMemoryOwner<float>
{
    private readonly BufferPool _pool;
    private int _references;

    internal PooledBuffer(BufferPool pool)
    {
        _pool = pool;
        Values = new AlignedBuffer(pool.Length);
    }

    /// <summary>The floats.</summary>
    public AlignedBuffer Values { get; }

    /// <summary>The loss that belongs to a gradient, summed over its samples; 0 for anything else.</summary>
    public double Loss { get; set; }

    /// <inheritdoc/>
    public Memory<float> Memory => Values.Memory;

    /// <summary>One more holder, who disposes of it too.</summary>
    public PooledBuffer AddReference()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>One holder less.</summary>
    /// <exception cref="ObjectDisposedException">Nobody held it any more.</exception>
    public void Dispose()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left == 0)
        {
            _pool.Return(this);
        }
    }

    internal void Begin()
    {
        _references = 1;
        Loss = 0;
    }
}
