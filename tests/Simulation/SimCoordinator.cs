using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Simulation;

/// <summary>A coordinator's process and its disk, which survives it.</summary>
internal sealed class SimCoordinator(World world, Faults faults, BatchSchedule schedule, ulong[] expected, int every)
    : SimProcess<CoordinatorReport, CoordinatorOrder>(world, new Tick())
{
    private readonly SortedDictionary<int, ulong> _disk = new() { [0] = Toy.Initial };
    private readonly SortedDictionary<SessionId, SimLink> _links = [];
    private int _term;
    private int _ids;
    private ulong _weights;
    private SimPayloads _payloads = new();
    private CoordinatorMachine? _machine;

    public Outcome? Outcome { get; private set; }

    public IEnumerable<SimLink> Links => _links.Values;

    public ulong Saved => _disk[_disk.Keys.Max()];

    public long Recomputed { get; private set; }

    /// <summary>Gradients that this life holds.</summary>
    public int Outstanding => _payloads.Outstanding;

    public int Terms => _term;

    public string Describe() =>
        $"term {_term} step {_machine?.Step} {_machine?.StateName} ready {_machine?.WorkersReady} links {_links.Count}";

    public void Start()
    {
        int first = _disk.Keys.Max();
        _weights = _disk[first];
        _payloads = new SimPayloads();
        _links.Clear();
        _ids = 0;
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
    }

    public override void Crash()
    {
        Recomputed += _machine?.RecomputedShards ?? 0;
        _machine = null;
        base.Crash();
        foreach (SimLink link in _links.Values.Where(_ => World.Chance(50)))
        {
            link.CloseByCoordinator();
        }
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
        if (message is WorkerMessage.GradientSum)
        {
            message = message with { Payload = _payloads.Create(payload) };
        }

        Post(orders => _machine!.Handle(link.Id, message, World.Now, orders));
    }

    protected override void Perform(CoordinatorOrder order)
    {
        switch (order)
        {
            case Send { To: var to, Message: CoordinatorMessage.Weights weights }:
                ulong payload = _weights;
                Tell(to, isPayload: true, worker => worker.Receive(weights, payload));
                break;
            case Send send: Tell(send.To, isPayload: false, worker => worker.Receive(send.Message, 0)); break;
            case AverageAndStep step: AverageAndStep(step); break;
            case Release release: release.Gradient.Take(); break;
            case Save save: Save(save.Step); break;
            case Validate validate: Later(World.Time(0, 2), () => Post(new Validated(validate.Step))); break;
            case Close close: CloseLink(close.Worker); break;
            case Finish finish:
                Outcome = finish.Outcome;
                Recomputed += _machine!.RecomputedShards;
                break;
            default: throw new InvalidOperationException(order.ToString());
        }
    }

    private void AverageAndStep(AverageAndStep order)
    {
        int step = order.Step.Value;
        ReductionTree tree = new(schedule.At(step).ShardCount);
        TreeReduction<Box> sums = new((left, right) => left.Value = Toy.Add(left.Value, right.Value));
        sums.Reset(tree.ShardCount, new ShardRange(0, tree.ShardCount));
        ulong? root = null;
        foreach (WorkerMessage.GradientSum sum in order.Sums)
        {
            Box box = new() { Value = sum.Payload.Take() };
            root = sums.Put(sum.Node, box, out _, out Box? total) ? total!.Value : root;
        }

        Check.That(root is not null, "the sums cover every shard once");
        Later(World.Time(0, 0.05), () =>
        {
            _weights = Toy.Update(_weights, root.Value);
            Check.That(_weights == expected[step + 1], $"step {step} has the bits of a run alone");
            Post(new Stepped(order.Step));
        });
    }

    private void Save(Step step)
    {
        ulong weights = _weights;
        Check.That(weights == expected[step.Value], "a checkpoint holds the weights of its step");
        Later(World.Time(0.01, 1), () =>
        {
            _disk[step.Value] = weights;
            Post(new Saved(step));
        });
    }

    private void Tell(SessionId id, bool isPayload, Action<SimWorker> deliver)
    {
        if (_links.TryGetValue(id, out SimLink? link))
        {
            link.ToWorker(isPayload, () => deliver(link.Worker));
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
