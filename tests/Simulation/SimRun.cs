using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;

namespace Distributed.Simulation;

/// <summary>One run, drawn from its seed: faults for a minute, then all heals and it must come to its end.</summary>
internal sealed class SimRun
{
    private static readonly TimeSpan s_healAt = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_endAt = TimeSpan.FromMinutes(15);

    /// <summary>The longest freeze, and silence after that until a worker gives its coordinator up.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(35);

    private readonly World _world;
    private readonly Faults _faults;
    private readonly BatchSchedule _schedule;
    private readonly List<SimWorker> _workers = [];

    /// <summary>Plays it.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="hasFaults">Whether anything goes wrong.</param>
    /// <param name="diverges">Whether a step has a gradient that is not finite, so that the run must fail.</param>
    public SimRun(uint seed, bool hasFaults, bool diverges = false)
    {
        _world = new World(seed);
        _faults = new Faults(_world);
        if (!hasFaults)
        {
            _faults.Heal();
        }

        _schedule = BatchSchedule.ForSteps(
            samples: 1 + _world.Draw(60),
            batch: 1 + _world.Draw(30),
            shard: 1 + _world.Draw(3),
            steps: 5 + _world.Draw(60));
        Step step = new(_world.Draw(_schedule.StepsTotal));
        int shard = _world.Draw(_schedule.At(step.Value).ShardCount);
        Coordinator = new SimCoordinator(_world, _faults, _schedule, every: _world.Draw(8))
        {
            DivergesAt = diverges ? (step, shard) : null,
        };
        AddWorkers();
        try
        {
            Play();
            if (diverges)
            {
                CheckFailed(step, hasFaults);
            }
            else
            {
                CheckCompleted();
            }
        }
        catch (Exception exception)
        {
            string sizes = $"{_schedule.StepsTotal} steps, {Coordinator.Locals.Count} + {_workers.Count} workers";
            Problem = $"{_world.Now}: {exception.Message}\n{_faults}; {sizes}\n{exception.StackTrace}";
        }
    }

    public SimCoordinator Coordinator { get; }

    /// <summary>What did not hold; empty if everything did.</summary>
    public string Problem { get; } = "";

    private void AddWorkers()
    {
        int remote = 1 + _world.Draw(6);
        int local = _world.Chance(30) ? 1 + _world.Draw(2) : 0;
        for (int i = 0; i < remote + local; i++)
        {
            SimWorker worker = new(_world, _faults, Coordinator, number: i, threads: 1 + (i % 2))
            {
                ShardSeconds = _world.Time(0.01, 0.1).TotalSeconds,
                IsBad = _world.Chance(30),
            };
            if (i < remote)
            {
                _workers.Add(worker);
                _world.After(_world.Time(0, 5), worker.Start);
            }
            else
            {
                Coordinator.Locals.Add(worker);
            }
        }

        Coordinator.Start();
    }

    private void Play()
    {
        Chaos chaos = new(_world, _faults, Coordinator, _workers);
        chaos.Begin();
        _world.Run(() => Coordinator.Outcome is not null, s_healAt);
        chaos.Heal();
        _world.Run(() => Coordinator.Outcome is not null, s_endAt);
        Check.That(Coordinator.Outcome is not null, $"the run ends ({Coordinator.Describe()})");
        _world.Run(() => false, _world.Now.SinceStart + s_longestWait);
        Check.That(Coordinator.Outstanding == 0, "the coordinator has released every gradient");
        foreach (SimWorker worker in _workers)
        {
            Check.That(worker.Outstanding == 0, "a worker has released all weights and gradients");
            Check.That(
                worker.Outcome is null or WorkerOutcome.Done || worker.HasSpoilt,
                "no worker ends for another reason than the end of the run, or sums that were not finite");
        }
    }

    private void CheckCompleted()
    {
        Check.That(Coordinator.Outcome == Outcome.Completed, $"the run completes ({Coordinator.Why})");
        Check.That(Coordinator.HasBitsOfARunAlone, "the last checkpoint has the bits of a run alone");
    }

    /// <summary>It fails at once: the shards are computed twice, by others if there are any.</summary>
    private void CheckFailed(Step step, bool hasFaults)
    {
        Check.That(Coordinator.Outcome == Outcome.Failed, "the run fails");
        string named = $"step {step.Value + 1}: ";
        Check.That(Coordinator.Why.StartsWith(named, StringComparison.Ordinal), $"{Coordinator.Why} is so");
        Check.That(hasFaults || Coordinator.Recomputed <= _schedule.ShardCountMax, "nothing is computed three times");
    }
}
