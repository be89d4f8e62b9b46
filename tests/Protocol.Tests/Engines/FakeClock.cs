namespace Distributed.Protocol.Tests.Engines;

/// <summary>A clock that stands still until it is told to go on.</summary>
internal sealed class FakeClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<FakeTimer> _timers = [];
    private TimeSpan _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How often a timer was set.</summary>
    public int TimerChanges { get; private set; }

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _now.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        FakeTimer timer = new(this, () => callback(state));
        lock (_lock)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        List<FakeTimer> due = [];
        lock (_lock)
        {
            _now += time;
            foreach (FakeTimer timer in _timers.Where(timer => timer.Due <= _now))
            {
                timer.Due = null;
                due.Add(timer);
            }
        }

        due.ForEach(timer => timer.Fire());
    }

    private sealed class FakeTimer(FakeClock clock, Action fire) : ITimer
    {
        public TimeSpan? Due { get; set; }

        public Action Fire => fire;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : clock._now + dueTime;
                clock.TimerChanges += Due is null ? 0 : 1;
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                Due = null;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
