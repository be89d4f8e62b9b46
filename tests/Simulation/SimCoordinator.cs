using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Simulation;

/// <summary>A coordinator's process, with workers in it, and its disk, which survives it.</summary>
internal sealed class SimCoordinator(World world, Faults faults, BatchSchedule schedule, int every)
    : SimProcess<CoordinatorReport, CoordinatorOrder>(world, new Tick())
{
    private readonly ulong[] _expected = Toy.Run(schedule);
    private readonly SortedDictionary<int, ulong> _disk = new() { [0] = Toy.Initial };
    private readonly SortedDictionary<SessionId, SimLink> _links = [];
    private readonly SortedDictionary<SessionId, SimWorker> _engaged = [];
    private readonly Liar _liar = new(world, faults);

    /// <summary>Shards of which a sum was not finite although they are; a second one would prove otherwise.</summary>
    private readonly HashSet<(Term, Step, int)> _spoilt = [];
    private readonly HashSet<long> _keptOut = [];

    /// <summary>Of lives that ended in good order, and of this one.</summary>
    private readonly List<SimPayloads> _payloads = [];
    private int _term;
    private int _ids;
    private ulong _weights;
    private bool _isStopAsked;
    private bool _hasFailed;
    private CoordinatorMachine? _machine;

    /// <summary>How the run ended, for good.</summary>
    public Outcome? Outcome { get; private set; }

    public string Why { get; private set; } = "";

    /// <summary>A step and a shard of it whose gradient is not finite, whoever computes it.</summary>
    public (Step Step, int Shard)? DivergesAt { get; init; }

    /// <summary>Workers of the same process.</summary>
    public List<SimWorker> Locals { get; } = [];

    public bool HasBitsOfARunAlone => _disk[_disk.Keys.Max()] == _expected[^1];

    public long Recomputed { get; private set; }

    /// <summary>Gradients that this life and those that ended in good order hold.</summary>
    public int Outstanding => _payloads.Sum(payloads => payloads.Outstanding);

    public int Terms => _term;

    /// <summary>When each step had all its sums.</summary>
    public List<Timestamp> StepEnds { get; } = [];

    /// <summary>What people were told.</summary>
    public List<string> Lines { get; } = [];

    public string Describe() =>
        $"term {_term} step {_machine?.Step} {_machine?.StateName} ready {_machine?.WorkersReady} links {_links.Count}";

    public ReductionTree Tree(Step step) => new(schedule.At(step.Value).ShardCount);

    public bool Diverges(Step step, ShardRange shards) =>
        DivergesAt is { } at && at.Step == step && shards.Contains(new ShardRange(at.Shard, at.Shard + 1));

    /// <summary>Whether a sum of these shards may be wrong in this term: none of them was before.</summary>
    public bool TrySpoil(Term term, Step step, ShardRange shards)
    {
        IEnumerable<(Term, Step, int)> all = Enumerable.Range(shards.First, shards.Count)
            .Select(shard => (term, step, shard));
        if (all.Any(_spoilt.Contains))
        {
            return false;
        }

        _spoilt.UnionWith(all);
        return true;
    }

    public void Start()
    {
        int first = _disk.Keys.Max();
        _weights = _disk[first];
        _payloads.Add(new SimPayloads());
        _links.Clear();
        _engaged.Clear();
        _keptOut.Clear();
        _ids = 0;
        _isStopAsked = false;
        _hasFailed = false;
        _machine = new CoordinatorMachine(
            new Term(++_term),
            new Step(first),
            schedule,
            new CoordinatorOptions
            {
                Version = "1",
                Numerics = "n",
                CheckpointEvery = every,
                HasValidation = true,
                ValidationGapMin = TimeSpan.FromSeconds(5),
                LateFirst = TimeSpan.FromSeconds(5),
            });
        Start(_machine, new Started());
        foreach (SimWorker worker in Locals)
        {
            SessionId id = new(++_ids);
            _engaged.Add(id, worker);
            worker.Engage(new Term(_term), id, _payloads[^1]);
            Post(new WorkerStarted(id, worker.Threads));
        }
    }

    public void Stop()
    {
        _isStopAsked |= IsUp;
        Post(new StopRequested(ForAll: true));
    }

    public override void Freeze(TimeSpan time)
    {
        base.Freeze(time);
        Locals.ForEach(worker => worker.Freeze(time));
    }

    public override void Crash()
    {
        _payloads.RemoveAt(_payloads.Count - 1);
        Locals.ForEach(worker => worker.Crash());
        End(isClean: false);
    }

    public SimLink? Accept(SimWorker worker)
    {
        if (!IsUp || Outcome is not null)
        {
            return null;
        }

        SimLink link = new(World, faults, new SessionId(++_ids), this, worker);
        _links.Add(link.Id, link);
        return link;
    }

    public void OnLinkLost(SimLink link)
    {
        _links.Remove(link.Id);
        Post(new WorkerLost(link.Id, "reset"));
    }

    /// <summary>A message has arrived; a payload of another process is copied into one of this.</summary>
    public void Receive(SimLink link, WorkerMessage message, ulong payload)
    {
        if (message is WorkerMessage.GradientSum sum)
        {
            message = sum with { Payload = _payloads[^1].Create(payload) };
            if (link.Worker.IsBad && _liar.WantsToLie())
            {
                Receive(link.Id, sum with { Payload = _payloads[^1].Create(Toy.Poison) }, isLie: true);
            }
        }

        Receive(link.Id, message);
    }

    /// <summary>A message for the mailbox.</summary>
    /// <param name="from">Who says it.</param>
    /// <param name="message">Its payload is this process's.</param>
    /// <param name="isLie">Whether it is made wrong when its turn comes.</param>
    public void Receive(SessionId from, WorkerMessage message, bool isLie = false) => Post(
        orders =>
        {
            WorkerMessage said = isLie
                ? _liar.Spoil((WorkerMessage.GradientSum)message, from, Tree(_machine!.Step))
                : message;
            _machine!.Handle(from, said, World.Now, orders, "host");
        },
        () => message.Payload?.Take());

    protected override void Perform(CoordinatorOrder order)
    {
        switch (order)
        {
            case Send send: OnSend(send.To, send.Message); break;
            case AverageAndStep step: AverageAndStep(step); break;
            case Release release: release.Gradient.Take(); break;
            case Save save: Save(save.Step); break;
            case Validate validate: Later(World.Time(0, 2), () => Post(new Validated(validate.Step))); break;
            case Close close: CloseLink(close.Worker); break;
            case Announce announce: Lines.Add($"{World.Now}: {announce.Line}"); break;
            case Finish finish: OnFinish(finish); break;
            default: throw new InvalidOperationException(order.ToString());
        }
    }

    private void OnSend(SessionId to, CoordinatorMessage message)
    {
        if (message is CoordinatorMessage.Assign assign)
        {
            _liar.OnAssigned(to, assign);
        }

        if (_engaged.TryGetValue(to, out SimWorker? engaged))
        {
            engaged.Receive(message, _weights);
        }
        else if (_links.TryGetValue(to, out SimLink? link))
        {
            ulong payload = _weights;
            bool isRefused = message is CoordinatorMessage.Refuse;
            Check.That(isRefused || !_keptOut.Contains(link.Incarnation), "who is kept out is out");
            _keptOut.UnionWith(isRefused ? [link.Incarnation] : []);

            link.ToWorker(message is CoordinatorMessage.Weights, () => link.Worker.Receive(message, payload));
        }
    }

    private void AverageAndStep(AverageAndStep order)
    {
        int step = order.Step.Value;
        StepEnds.Add(World.Now);
        ReductionTree tree = Tree(order.Step);
        TreeReduction<Box> sums = new((left, right) => left.Value = Toy.Add(left.Value, right.Value));
        sums.Reset(tree.ShardCount, new ShardRange(0, tree.ShardCount));
        ulong? root = null;
        foreach (WorkerMessage.GradientSum sum in order.Sums)
        {
            Check.That(sum.IsFinite, "a sum that is not finite is never added");
            Box box = new() { Value = sum.Payload.Take() };
            root = sums.Put(sum.Node, box, out _, out Box? total) ? total!.Value : root;
        }

        Check.That(root is not null, "the sums cover every shard once");
        bool isFailing = World.Chance(faults.StepFailurePercent);
        Later(World.Time(0, 0.05), () =>
        {
            if (isFailing)
            {
                _hasFailed = true;
                Post(new StepFailed(order.Step, "it overflows"));
                return;
            }

            _weights = Toy.Update(_weights, root.Value);
            Check.That(_weights == _expected[step + 1], $"step {step} has the bits of a run alone");
            Post(new Stepped(order.Step));
        });
    }

    private void Save(Step step)
    {
        ulong weights = _weights;
        Check.That(weights == _expected[step.Value], "a checkpoint holds the weights of its step");
        bool isFailing = World.Chance(faults.SaveFailurePercent);
        Later(World.Time(0.01, 1), () =>
        {
            if (isFailing)
            {
                _hasFailed = true;
                Post(new SaveFailed(step, "no space left"));
                return;
            }

            _disk[step.Value] = weights;
            Post(new Saved(step));
        });
    }

    /// <summary>A run that was stopped, or that failed, is resumed a while later.</summary>
    private void OnFinish(Finish finish)
    {
        bool isExpected = finish.Outcome switch
        {
            Coordinator.Core.Outcome.Stopped => _isStopAsked,
            Coordinator.Core.Outcome.Failed => _hasFailed || DivergesAt is not null,
            _ => true,
        };
        Check.That(isExpected, $"there is a reason for {finish}");
        if (finish.Outcome != Coordinator.Core.Outcome.Completed)
        {
            Locals.ForEach(worker => worker.End());
        }

        if (finish.Outcome == Coordinator.Core.Outcome.Completed || (!_hasFailed && !_isStopAsked))
        {
            Outcome = finish.Outcome;
            Why = finish.Why;
            Recomputed += _machine!.RecomputedShards;
            return;
        }

        End(isClean: true);
        World.After(World.Time(0.1, 5), () =>
        {
            if (!IsUp)
            {
                Start();
            }
        });
    }

    private void End(bool isClean)
    {
        Recomputed += _machine?.RecomputedShards ?? 0;
        _machine = null;
        base.Crash();
        foreach (SimLink link in _links.Values.Where(_ => isClean || World.Chance(50)))
        {
            link.CloseByCoordinator();
        }
    }

    private void CloseLink(SessionId id)
    {
        if (_links.Remove(id, out SimLink? link))
        {
            link.CloseByCoordinator();
        }
    }

    private sealed class Box
    {
        public ulong Value { get; set; }
    }
}
