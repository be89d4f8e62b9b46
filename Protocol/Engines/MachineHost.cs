using System.Threading.Channels;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Engines;

/// <summary>The embedded shell: one mailbox, one loop, one machine. It holds no rule of the protocol.</summary>
/// <remarks>
/// Memory: no allocation for an event or a deadline beyond what the machine makes. One timer serves all deadlines: it
/// is set anew only for an earlier one, so it may fire early, and an early tick does nothing.
/// </remarks>
/// <typeparam name="TEvent">The machine's events.</typeparam>
/// <typeparam name="TEffect">The machine's effects.</typeparam>
public sealed class MachineHost<TEvent, TEffect> : IAsyncDisposable
    where TEvent : notnull
{
    private readonly IProtocolMachine<TEvent, TEffect> _machine;
    private readonly TEvent _tick;
    private readonly Action<TEffect> _perform;
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly Channel<TEvent> _mailbox;
    private readonly ITimer _timer;
    private readonly List<TEffect> _effects = [];

    /// <summary>When the timer will fire; null if it will not. The timer's thread only clears it.</summary>
    private readonly Lock _timerLock = new();
    private Timestamp? _armed;

    /// <summary>A shell around a machine; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="machine">Driven from the loop only.</param>
    /// <param name="tick">The event that says a deadline has passed.</param>
    /// <param name="perform">
    /// Does one effect without blocking; long work runs elsewhere and posts back an event.
    /// </param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <param name="capacity">Most events waiting at once.</param>
    public MachineHost(
        IProtocolMachine<TEvent, TEffect> machine,
        TEvent tick,
        Action<TEffect> perform,
        TimeProvider clock,
        int capacity)
    {
        _machine = machine;
        _tick = tick;
        _perform = perform;
        _clock = clock;
        _start = clock.GetTimestamp();
        _mailbox = Channel.CreateBounded<TEvent>(new BoundedChannelOptions(capacity) { SingleReader = true });
        _timer = clock.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told of what ended the loop, before <see cref="RunAsync"/> throws it; not of being stopped.</summary>
    public Action<Exception>? OnError { get; init; }

    private Timestamp Now => new(_clock.GetElapsedTime(_start));

    /// <summary>
    /// Queues an event; false if the mailbox is full or the loop has ended. For one host's effects on another: two that
    /// wait for each other's mailbox would wait forever, so a peer whose mailbox is full is one to cut off.
    /// </summary>
    public bool TryPost(TEvent @event) => _mailbox.Writer.TryWrite(@event);

    /// <summary>Queues an event and waits for room, which slows the sender; false if the loop has ended.</summary>
    public async ValueTask<bool> PostAsync(TEvent @event, CancellationToken stopping = default)
    {
        do
        {
            if (_mailbox.Writer.TryWrite(@event))
            {
                return true;
            }
        }
        while (await _mailbox.Writer.WaitToWriteAsync(stopping));

        return false;
    }

    /// <summary>
    /// Runs until <paramref name="stopping"/>, and then returns. Any exception ends it, and should the process.
    /// </summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        // Ending the mailbox wakes the loop; a token handed to each wait would cost an allocation a wait.
        using CancellationTokenRegistration registration = stopping.Register(() => _mailbox.Writer.TryComplete());
        try
        {
            do
            {
                HandleAll(stopping);
            }
            while (!stopping.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync(CancellationToken.None));
        }
        catch (Exception exception)
        {
            OnError?.Invoke(exception);
            throw;
        }
        finally
        {
            _mailbox.Writer.TryComplete();
            await _timer.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _mailbox.Writer.TryComplete();
        return _timer.DisposeAsync();
    }

    /// <summary>Handles what is in the mailbox, and the deadline whenever it has passed; then sets the timer.</summary>
    private void HandleAll(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            if (_machine.NextDeadline is { } deadline && deadline <= Now)
            {
                Handle(_tick);
                Invariant.Assert(_machine.NextDeadline != deadline, "A tick at the deadline moves the deadline.");
            }
            else if (_mailbox.Reader.TryRead(out TEvent? next))
            {
                Handle(next);
            }
            else
            {
                SetTimer();
                return;
            }
        }
    }

    private void Handle(TEvent @event)
    {
        _machine.Handle(@event, Now, _effects);
        foreach (TEffect effect in _effects)
        {
            _perform(effect);
        }

        _effects.Clear();
    }

    private void SetTimer()
    {
        if (_machine.NextDeadline is not { } deadline)
        {
            return;
        }

        lock (_timerLock)
        {
            if (_armed is { } armed && armed <= deadline)
            {
                return;
            }

            _armed = deadline;
            TimeSpan wait = deadline - Now;

            // Timers count whole milliseconds; rounding up spares a second wake-up just before the deadline.
            wait = TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(wait.TotalMilliseconds), 0, int.MaxValue));
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Wakes the loop. A mailbox without room has woken it already.</summary>
    private void OnTimer()
    {
        lock (_timerLock)
        {
            _armed = null;
        }

        _mailbox.Writer.TryWrite(_tick);
    }
}
