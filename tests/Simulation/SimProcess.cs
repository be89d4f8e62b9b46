using Distributed.Protocol.Machines;

namespace Distributed.Simulation;

/// <summary>
/// A process that runs one machine: hands it what comes at once, performs orders in order, ticks at deadlines.
/// </summary>
internal abstract class SimProcess<TReport, TOrder>(World world, TReport tick)
{
    private IMachine<TReport, TOrder>? _machine;
    private Timestamp _frozenUntil;

    /// <summary>
    /// Counts starts and ends: whatever belongs to an earlier one finds another number and is void.
    /// </summary>
    public int Life { get; private set; }

    public bool IsUp => _machine is not null;

    protected World World => world;

    /// <summary>The process stands still: what comes meanwhile waits.</summary>
    public virtual void Freeze(TimeSpan time) => _frozenUntil = world.Now + time;

    public virtual void Crash()
    {
        Life++;
        _machine = null;
    }

    protected void Start(IMachine<TReport, TOrder> machine, TReport started)
    {
        Life++;
        _machine = machine;
        _frozenUntil = world.Now;
        Post(started);
    }

    /// <summary>Puts a report into the mailbox.</summary>
    protected void Post(TReport report) => Post(orders => _machine!.Handle(report, world.Now, orders));

    /// <summary>Puts into the mailbox what hands the machine something.</summary>
    /// <param name="handle">Called with a list for the machine's orders.</param>
    /// <param name="release">Called instead if the process has ended before.</param>
    protected void Post(Action<List<TOrder>> handle, Action? release = null)
    {
        int life = Life;
        world.After(TimeSpan.Zero, () => Take(handle, release, life));
    }

    /// <summary>Does something later if the process still lives then.</summary>
    protected void Later(TimeSpan wait, Action action)
    {
        int life = Life;
        world.After(wait, () =>
        {
            if (life == Life)
            {
                action();
            }
        });
    }

    protected abstract void Perform(TOrder order);

    private void Take(Action<List<TOrder>> handle, Action? release, int life)
    {
        if (life != Life || _machine is null)
        {
            release?.Invoke();
            return;
        }

        if (world.Now < _frozenUntil)
        {
            world.After(_frozenUntil - world.Now, () => Take(handle, release, life));
            return;
        }

        List<TOrder> orders = [];
        handle(orders);
        foreach (TOrder order in orders)
        {
            if (life == Life)
            {
                Perform(order);
            }
        }

        if (life == Life && _machine.NextDeadline is { } deadline)
        {
            Timestamp at = deadline > world.Now ? deadline : world.Now;
            world.After(at - world.Now, () =>
            {
                if (_machine?.NextDeadline == deadline)
                {
                    Take(orders => _machine.Handle(tick, world.Now, orders), null, life);
                }
            });
        }
    }
}
