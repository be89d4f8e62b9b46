using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Simulation;

/// <summary>A coordinator's process and its disk, which survives it.</summary>
internal sealed class SimCoordinator(World world, Faults faults, BatchSchedule schedule, ulong[] expected, int every)
    : SimProcess<CoordinatorEvent, CoordinatorEffect>(world, new Tick())
{
    private readonly SortedDictionary<int, ulong> _disk = new() { [0] = Toy.Initial };
    private readonly SortedDictionary<WorkerId, SimLink> _links = [];
    private readonly Dictionary<GradientTicket, ulong> _gradients = [];
    private int _term;
    private int _ids;
    private long _tickets;
    private ulong _parameters;
    private CoordinatorMachine? _machine;

    public Outcome? Outcome { get; private set; }

    public IEnumerable<SimLink> Links => _links.Values;

    public ulong Saved => _disk[_disk.Keys.Max()];

    public long Recomputed { get; private set; }

    public int Terms => _term;

    public string Describe() =>
        $"term {_term} step {_machine?.Step} {_machine?.StateName} ready {_machine?.WorkersReady} links {_links.Count}";

    public void Start()
    {
        int first = _disk.Keys.Max();
        _parameters = _disk[first];
        _gradients.Clear();
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

        SimLink link = new(World, faults, new WorkerId(++_ids), this, worker);
        _links.Add(link.Id, link);
        return link;
    }

    public void OnJoin(SimLink link) =>
        Post(new WorkerJoined(link.Id, "name", "1", "n", Threads: 1 + (link.Id.Value % 2)));

    public void OnReady(SimLink link) => Post(new WorkerReady(link.Id));

    public void OnHeartbeat(SimLink link, bool isReady) => Post(new HeartbeatArrived(link.Id, isReady));

    public void OnLeave(SimLink link) => Post(new WorkerLeft(link.Id));

    public void OnLinkLost(SimLink link)
    {
        _links.Remove(link.Id);
        Post(new WorkerLost(link.Id, "reset"));
    }

    public void OnSum(SimLink link, WorkerEffect.SendSum sum, ulong value)
    {
        GradientTicket ticket = new(++_tickets);
        _gradients.Add(ticket, value);
        Post(new PartialSumArrived(link.Id, sum.Term, sum.Step, sum.Node, sum.ShardCount, sum.Loss, ticket));
    }

    protected override void Perform(CoordinatorEffect effect)
    {
        switch (effect)
        {
            case Welcome welcome:
                WorkerEvent.Welcomed welcomed = new(welcome.Term, welcome.Worker, "plan", TimeSpan.FromSeconds(1));
                Tell(welcome.Worker, isBulk: false, worker => worker.Receive(welcomed));
                break;
            case SendHeartbeat beat:
                Tell(beat.Worker, isBulk: false, worker => worker.Receive(new WorkerEvent.CoordinatorHeard()));
                break;
            case SendParameters send:
                ulong parameters = _parameters;
                Tell(send.Worker, isBulk: true, worker => worker.ReceiveParameters(send.Term, send.Step, parameters));
                break;
            case Assign assign:
                WorkerEvent.Assigned assigned = new(assign.Term, assign.Step, assign.Shards);
                Tell(assign.Worker, isBulk: false, worker => worker.Receive(assigned));
                break;
            case ApplyUpdate update: Update(update); break;
            case Release release: Check.That(_gradients.Remove(release.Gradient), "a gradient goes once"); break;
            case Discard discard: Check.That(_gradients.Remove(discard.Gradient), "a gradient goes once"); break;
            case SaveCheckpoint save: Save(save.Step); break;
            case Validate validate: Later(World.Time(0, 2), () => Post(new ValidationDone(validate.Step))); break;
            case DropWorker drop: Close(drop.Worker); break;
            case Dismiss dismiss:
                Tell(dismiss.Worker, isBulk: false, worker => worker.Receive(new WorkerEvent.Finished(dismiss.Why)));
                Close(dismiss.Worker);
                break;
            case Finish finish:
                Outcome = finish.Outcome;
                Recomputed += _machine!.RecomputedShards;
                break;
            default: throw new InvalidOperationException(effect.ToString());
        }
    }

    private void Update(ApplyUpdate update)
    {
        int step = update.Step.Value;
        ReductionTree tree = new(schedule.At(step).ShardCount);
        TreeReduction<Box> sums = new((left, right) => left.Value = Toy.Add(left.Value, right.Value));
        sums.Reset(tree.ShardCount, new ShardRange(0, tree.ShardCount));
        ulong? root = null;
        foreach (AcceptedSum sum in update.Sums)
        {
            Check.That(_gradients.Remove(sum.Gradient, out ulong value), "a gradient goes once");
            TreeNode node = sum.Node;
            root = sums.Put(node, new Box { Value = value }, out _, out Box? total) ? total!.Value : root;
        }

        Check.That(root is not null, "the sums cover every shard once");
        Later(World.Time(0, 0.05), () =>
        {
            _parameters = Toy.Update(_parameters, root.Value);
            Check.That(_parameters == expected[step + 1], $"the update of step {step} has the bits of a run alone");
            Post(new UpdateApplied(update.Step));
        });
    }

    private void Save(Step step)
    {
        ulong parameters = _parameters;
        Check.That(parameters == expected[step.Value], "a checkpoint holds the parameters of its step");
        Later(World.Time(0.01, 1), () =>
        {
            _disk[step.Value] = parameters;
            Post(new CheckpointSaved(step));
        });
    }

    private void Tell(WorkerId id, bool isBulk, Action<SimWorker> deliver)
    {
        if (_links.TryGetValue(id, out SimLink? link))
        {
            link.ToWorker(isBulk, () => deliver(link.Worker));
        }
    }

    private void Close(WorkerId id)
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
