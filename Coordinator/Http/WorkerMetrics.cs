using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Http;

/// <summary>What one worker does, until it is gone.</summary>
public sealed class WorkerMetrics : IDisposable
{
    /// <summary>A rate is over the last window that is full, or over one that has grown longer without a sum.</summary>
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _clock;
    private readonly Action<WorkerMetrics> _forget;
    private readonly Lock _lock = new();
    private long _heardAt;
    private long _windowAt;
    private long _windowShards;
    private double _lastRate;
    private long _shards;
    private TimeSpan _compute;

    internal WorkerMetrics(TimeProvider clock, Action<WorkerMetrics> forget)
    {
        (_clock, _forget) = (clock, forget);
        _heardAt = _windowAt = clock.GetTimestamp();
    }

    /// <summary>Bytes read from it and written to it, asked by any thread; null for a worker of this process.</summary>
    public Func<(long Received, long Sent)>? Bytes { get; set; }

    internal long Shards => Volatile.Read(ref _shards);

    internal TimeSpan Compute
    {
        get
        {
            lock (_lock)
            {
                return _compute;
            }
        }
    }

    internal TimeSpan LastSeen => _clock.GetElapsedTime(Volatile.Read(ref _heardAt));

    internal double ShardsPerSecond
    {
        get
        {
            lock (_lock)
            {
                TimeSpan open = _clock.GetElapsedTime(_windowAt);
                return open > s_window * 2 ? _windowShards / open.TotalSeconds : _lastRate;
            }
        }
    }

    /// <summary>It has given a sign of life.</summary>
    public void OnHeard() => Volatile.Write(ref _heardAt, _clock.GetTimestamp());

    /// <summary>It has said something.</summary>
    public void OnSaid(WorkerMessage message)
    {
        OnHeard();
        if (message is not WorkerMessage.GradientSum { ShardCount: > 0 } sum)
        {
            return;
        }

        lock (_lock)
        {
            _shards += sum.ShardCount;
            _compute += sum.Compute;
            _windowShards += sum.ShardCount;
            TimeSpan open = _clock.GetElapsedTime(_windowAt, _heardAt);
            if (open >= s_window)
            {
                (_lastRate, _windowShards, _windowAt) = (_windowShards / open.TotalSeconds, 0, _heardAt);
            }
        }
    }

    /// <summary>It is gone.</summary>
    public void Dispose() => _forget(this);
}
