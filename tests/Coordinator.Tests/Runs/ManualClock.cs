using System.Diagnostics;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>A clock that goes when a test says so, and fires timers on the way.</summary>
internal sealed class ManualClock : TimeProvider
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets time pass while a task waits for it; returns early if the task ends.</summary>
    public async Task PassAsync(TimeSpan time, Task waiting)
    {
        DateTimeOffset end = _now + time;
        while (await NextAsync(waiting) is { } due && due <= end)
        {
            Fire(due);
        }

        _now = waiting.IsCompleted ? _now : end;
    }

    private async Task<DateTimeOffset?> NextAsync(Task waiting)
    {
        for (long began = Stopwatch.GetTimestamp(); !waiting.IsCompleted; await Task.Delay(1))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, "Nobody waits for the clock.");
            lock (_lock)
            {
                if (_timers.Min(timer => timer.Due) is { } due)
                {
                    return due;
                }
            }
        }

        return null;
    }

    private void Fire(DateTimeOffset due)
    {
        ManualTimer[] fired;
        lock (_lock)
        {
            _now = due;
            fired = [.. _timers.Where(timer => timer.Due <= due)];
            Array.ForEach(fired, timer => timer.Due = timer.Period > TimeSpan.Zero ? due + timer.Period : null);
        }

        Array.ForEach(fired, timer => timer.Fire());
    }

    private sealed class ManualTimer(ManualClock clock, Action fire) : ITimer
    {
        public DateTimeOffset? Due { get; set; }

        public TimeSpan Period { get; private set; }

        public Action Fire => fire;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                Due = dueTime < TimeSpan.Zero ? null : clock._now + dueTime;
                Period = period;
                if (!clock._timers.Contains(this))
                {
                    clock._timers.Add(this);
                }
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
