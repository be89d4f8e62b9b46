using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Simulation;

/// <summary>A worker's process: one compute thread, one link at a time.</summary>
internal sealed class SimWorker(World world, BatchSchedule schedule, SimCoordinator coordinator, int number)
    : SimProcess<WorkerEvent, WorkerEffect>(world, new Tick())
{
    private readonly Dictionary<ParametersTicket, ulong> _parameters = [];
    private readonly Dictionary<GradientTicket, ulong> _gradients = [];
    private long _tickets;
    private Term _termMax;
    private ParametersTicket? _begun;
    private int _generation;
    private Timestamp _busyUntil;

    public SimLink? Link { get; private set; }

    public bool IsPartitioned { get; set; }

    /// <summary>Seconds a shard.</summary>
    public double ShardSeconds { get; set; } = 0.05;

    /// <summary>How the process ended, if it did by itself.</summary>
    public WorkerOutcome? Outcome { get; private set; }

    public void Start()
    {
        Outcome = null;
        _begun = null;
        _busyUntil = World.Now;
        _parameters.Clear();
        _gradients.Clear();
        Start(new WorkerMachine(new WorkerOptions { Jitter = attempt => number * 0.1 % 1 }), new Started());
    }

    /// <summary>The compute thread stands still while the rest goes on.</summary>
    public void Stall(TimeSpan time) => _busyUntil = World.Now + time;

    public void Drain() => Post(new DrainRequested());

    public override void Crash()
    {
        SimLink? link = Link;
        Link = null;
        base.Crash();
        if (World.Chance(50))
        {
            link?.CloseByWorker(); // The system closes the socket; else the whole machine is gone.
        }
    }

    public void OnLinkLost() => Post(new ConnectionLost("reset"));

    public void Receive(WorkerEvent @event)
    {
        if (@event is Welcomed welcomed)
        {
            Check.That(welcomed.Term.Value >= _termMax.Value, "terms never go back");
            _termMax = welcomed.Term;
        }

        Post(@event);
    }

    public void ReceiveParameters(Term term, Step step, ulong parameters)
    {
        ParametersTicket ticket = new(++_tickets);
        _parameters.Add(ticket, parameters);
        Receive(new CoordinatorHeard());
        Receive(new ParametersArrived(term, step, ticket));
    }

    protected override void Perform(WorkerEffect effect)
    {
        switch (effect)
        {
            case Connect: Later(World.Time(0.001, 0.1), TryConnect); break;
            case Disconnect: Close(); break;
            case SendJoin: Tell(isBulk: false, link => coordinator.OnJoin(link)); break;
            case Prepare prepare: Later(World.Time(0, 0.5), () => Post(new Prepared(prepare.Term))); break;
            case SendReady: Tell(isBulk: false, link => coordinator.OnReady(link)); break;
            case SendHeartbeat beat: Tell(isBulk: false, link => coordinator.OnHeartbeat(link, beat.IsReady)); break;
            case SendLeave: Tell(isBulk: false, link => coordinator.OnLeave(link)); break;
            case BeginStep begin: LetGoOfStep(); _begun = begin.Parameters; break;
            case ComputeShards compute: Compute(compute); break;
            case CancelStep: LetGoOfStep(); break;
            case SendSum sum:
                Check.That(_gradients.Remove(sum.Gradient, out ulong value), "a sum is sent once");
                Tell(isBulk: true, link => coordinator.OnSum(link, sum, value));
                break;
            case Release release: Check.That(_gradients.Remove(release.Gradient), "a gradient goes once"); break;
            case ReleaseParameters old: Check.That(_parameters.Remove(old.Parameters), "parameters go once"); break;
            case Exit exit:
                Outcome = exit.Outcome;
                Close();
                base.Crash();
                break;
            default: throw new InvalidOperationException(effect.ToString());
        }
    }

    private void TryConnect()
    {
        Link = IsPartitioned ? null : coordinator.Accept(this);
        Post(Link is null ? new ConnectionLost("no answer") : new Connected());
    }

    private void Close()
    {
        SimLink? link = Link;
        Link = null;
        link?.CloseByWorker();
    }

    private void Tell(bool isBulk, Action<SimLink> deliver)
    {
        if (Link is { } link && link.IsWorkerOpen)
        {
            link.ToCoordinator(isBulk, () => deliver(link));
        }
    }

    private void LetGoOfStep()
    {
        if (_begun is { } old)
        {
            Check.That(_parameters.Remove(old), "parameters go once");
        }

        _begun = null;
        _generation++;
    }

    private void Compute(ComputeShards compute)
    {
        ReductionTree tree = new(schedule.At(compute.Step.Value).ShardCount);
        ulong parameters = _parameters[_begun!.Value];
        int generation = _generation;
        foreach (TreeNode node in tree.MaximalNodes(compute.Shards))
        {
            int count = tree.Cover(node).Count;
            Timestamp start = _busyUntil > World.Now ? _busyUntil : World.Now;
            _busyUntil = start + TimeSpan.FromSeconds(ShardSeconds * count);
            bool isStubborn = World.Chance(30); // Finishes what it has begun although it is cancelled.
            Later(_busyUntil - World.Now, () =>
            {
                if (generation == _generation || isStubborn)
                {
                    GradientTicket ticket = new(++_tickets);
                    _gradients.Add(ticket, Toy.Node(tree, node, parameters, compute.Step.Value));
                    Post(new SumReady(compute.Term, compute.Step, node, count, Loss: count, ticket));
                }
            });
        }
    }
}
