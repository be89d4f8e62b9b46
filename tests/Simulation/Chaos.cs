namespace Distributed.Simulation;

/// <summary>Makes faults happen until it is told to heal everything.</summary>
/// <param name="world">Time and chance.</param>
/// <param name="faults">What may go wrong.</param>
/// <param name="coordinator">The coordinator, with the workers of its process.</param>
/// <param name="workers">Those of other processes.</param>
internal sealed class Chaos(World world, Faults faults, SimCoordinator coordinator, List<SimWorker> workers)
{
    public void Begin() => world.After(world.Time(0.05, faults.GapMax), Strike);

    /// <summary>Ends all faults: whoever is down comes up, whoever is cut off is connected.</summary>
    public void Heal()
    {
        faults.Heal();
        if (!coordinator.IsUp && coordinator.Outcome is null)
        {
            coordinator.Start();
        }

        foreach (SimWorker worker in workers)
        {
            worker.IsPartitioned = false;
        }

        Revive();
    }

    /// <summary>Brings up who is down, also those who had a drain in a mailbox that stood still.</summary>
    private void Revive()
    {
        workers.ForEach(StartIfDown);
        if (coordinator.Outcome is null)
        {
            world.After(TimeSpan.FromSeconds(5), Revive);
        }
    }

    private void Strike()
    {
        if (faults.AreOver || coordinator.Outcome is not null || faults.Kinds.Count == 0)
        {
            return;
        }

        List<SimWorker> locals = coordinator.Locals;
        int drawn = world.Draw(workers.Count + locals.Count);
        SimWorker worker = drawn < workers.Count ? workers[drawn] : locals[drawn - workers.Count];
        Faults.Kind kind = faults.Kinds[world.Draw(faults.Kinds.Count)];
        bool isForAny = kind is Faults.Kind.CrashCoordinator or Faults.Kind.Stop;
        switch (drawn < workers.Count || isForAny ? kind : Faults.Kind.Stall)
        {
            case Faults.Kind.Stop: coordinator.Stop(); break;
            case Faults.Kind.CrashWorker: CrashWorker(worker); break;
            case Faults.Kind.CrashCoordinator: CrashCoordinator(); break;
            case Faults.Kind.Partition:
                worker.IsPartitioned = true;
                world.After(world.Time(0.5, 20), () => worker.IsPartitioned = false);
                break;
            case Faults.Kind.Stall: worker.Stall(world.Time(1, 20)); break;
            case Faults.Kind.Freeze:
                if (world.Chance(20))
                {
                    coordinator.Freeze(world.Time(0.5, 20));
                }
                else
                {
                    worker.Freeze(world.Time(0.5, 20));
                }

                break;
            case Faults.Kind.Drain:
                worker.Drain();
                world.After(world.Time(3, 6), () => StartIfDown(worker));
                break;
            case Faults.Kind.CutLink: worker.Link?.Cut(); break;
            default: throw new InvalidOperationException("no such fault");
        }

        Begin();
    }

    private void CrashWorker(SimWorker worker)
    {
        if (worker.IsUp)
        {
            worker.Crash();
            world.After(world.Time(0.1, 15), () => StartIfDown(worker));
        }
    }

    private void CrashCoordinator()
    {
        if (coordinator.IsUp)
        {
            coordinator.Crash();
            world.After(world.Time(0.1, 10), () =>
            {
                if (!coordinator.IsUp && coordinator.Outcome is null)
                {
                    coordinator.Start();
                }
            });
        }
    }

    private void StartIfDown(SimWorker worker)
    {
        if (!worker.IsUp && coordinator.Outcome is null)
        {
            worker.Start();
        }
    }
}
