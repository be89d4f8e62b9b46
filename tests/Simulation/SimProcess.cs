using Distributed.Protocol.Machines;

namespace Distributed.Simulation;

/// <summary>
/// A process that runs one machine: handles events at once, performs effects in order, ticks at deadlines.
/// </summary>
internal abstract class SimProcess<TEvent, TEffect>(World world, TEvent tick)
{
    private IProtocolMachine<TEvent, TEffect>? _machine;
    private Timestamp _frozenUntil;

    /// <summary>
    /// Counts starts and crashes: whatever belongs to an earlier life finds another number and is void.
    /// </summary>
    public int Life { get; private set; }

    public bool IsUp => _machine is not null;

    protected World World => world;

    /// <summary>The process stands still: what comes meanwhile waits.</summary>
    public void Freeze(TimeSpan time) => _frozenUntil = world.Now + time;

    public virtual void Crash()
    {
        Life++;
        _machine = null;
    }

    protected void Start(IProtocolMachine<TEvent, TEffect> machine, TEvent started)
    {
        Life++;
        _machine = machine;
        _frozenUntil = world.Now;
        Post(started);
    }

    /// <summary>Puts an event into the mailbox.</summary>
    protected void Post(TEvent @event)
    {
        int life = Life;
        world.After(TimeSpan.Zero, () => Take(@event, life));
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

    protected abstract void Perform(TEffect effect);

    private void Take(TEvent @event, int life)
    {
        if (life != Life || _machine is null)
        {
            return;
        }

        if (world.Now < _frozenUntil)
        {
            world.After(_frozenUntil - world.Now, () => Take(@event, life));
            return;
        }

        List<TEffect> effects = [];
        _machine.Handle(@event, world.Now, effects);
        foreach (TEffect effect in effects)
        {
            if (life == Life)
            {
                Perform(effect);
            }
        }

        if (life == Life && _machine.NextDeadline is { } deadline)
        {
            Timestamp at = deadline > world.Now ? deadline : world.Now;
            world.After(at - world.Now, () =>
            {
                if (_machine?.NextDeadline == deadline)
                {
                    Take(tick, life);
                }
            });
        }
    }
}
