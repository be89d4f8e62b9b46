using Akka.Actor;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Actors;

/// <summary>An actor around a machine: hands it what happens, performs its orders, keeps its deadlines.</summary>
/// <remarks>
/// It holds no rule of the protocol. The clock is the scheduler's, so that a test's virtual time can be the machine's.
/// One timer serves all deadlines: it is set again only for an earlier one, so it may fire early, and an early tick
/// does nothing. A machine is never restarted with half its state: the actor above ends it instead.
/// </remarks>
public abstract class MachineActor<TReport, TOrder> : UntypedActor, IWithTimers
    where TReport : notnull
{
    private const string DeadlineKey = "deadline";

    private readonly IMachine<TReport, TOrder> _machine;
    private readonly TReport _tick;
    private readonly ITimeProvider _clock = Context.System.Scheduler;
    private readonly TimeSpan _start;
    private readonly List<TOrder> _orders = [];
    private bool _isPerforming;

    /// <summary>When the timer fires; null if it is not set.</summary>
    private Timestamp? _armed;

    /// <summary>An actor whose clock begins now.</summary>
    /// <param name="machine">Driven by this actor alone.</param>
    /// <param name="tick">The report that a deadline has passed.</param>
    protected MachineActor(IMachine<TReport, TOrder> machine, TReport tick)
    {
        _machine = machine;
        _tick = tick;
        _start = _clock.MonotonicClock;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The machine's time.</summary>
    protected Timestamp Now => new(_clock.MonotonicClock - _start);

    /// <summary>Where the machine's orders go; call <see cref="PerformOrders"/> afterwards.</summary>
    protected ICollection<TOrder> Orders => _orders;

    /// <inheritdoc/>
    protected sealed override void OnReceive(object message)
    {
        if (message is TimeSpan)
        {
            _armed = null;
            Report(_tick);
            OnTick();
        }
        else
        {
            OnMessage(message);
        }
    }

    /// <summary>Called after a deadline, or a while later; at least once an interval while the machine waits.</summary>
    protected virtual void OnTick()
    {
    }

    /// <summary>Takes what is in the mailbox.</summary>
    protected abstract void OnMessage(object message);

    /// <summary>Performs one order without blocking for long; what comes of it is reported, here or later.</summary>
    protected abstract void Perform(TOrder order);

    /// <summary>Tells the machine what happened and performs what it orders, also from within an order.</summary>
    protected void Report(TReport report)
    {
        _machine.Handle(report, Now, _orders);
        PerformOrders();
    }

    /// <summary>Performs the orders that are open, in their order, and sets the timer.</summary>
    protected void PerformOrders()
    {
        if (_isPerforming)
        {
            return; // Orders that a performed one brought about come behind those that are open.
        }

        _isPerforming = true;
        for (int i = 0; i < _orders.Count; i++)
        {
            Perform(_orders[i]);
        }

        _orders.Clear();
        _isPerforming = false;
        SetTimer();
    }

    private void SetTimer()
    {
        if (_machine.NextDeadline is { } deadline && (_armed is not { } armed || deadline < armed))
        {
            _armed = deadline;
            TimeSpan wait = deadline - Now;
            Timers.StartSingleTimer(DeadlineKey, wait, wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        }
    }
}
