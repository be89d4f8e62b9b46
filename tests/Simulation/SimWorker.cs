using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Simulation;

/// <summary>A worker's process: one compute thread, one link at a time.</summary>
internal sealed class SimWorker(World world, BatchSchedule schedule, SimCoordinator coordinator, int number)
    : SimProcess<WorkerReport, WorkerOrder>(world, new Tick())
{
    private SimPayloads _payloads = new();
    private WorkerMachine? _machine;
    private Term _termMax;
    private CoordinatorMessage.Weights? _begun;
    private int _generation;
    private int _starts;
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
        _payloads = new SimPayloads();
        _machine = new WorkerMachine(new WorkerOptions
        {
            Identity = new WorkerMessage.Join(
                $"worker-{number}", "1", "n", Threads: 1 + (number % 2), Incarnation: (number * 1000L) + ++_starts),
            Jitter = attempt => number * 0.1 % 1,
        });
        Start(_machine, new Started());
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

    /// <summary>A message has arrived; a payload of another process is copied into one of this.</summary>
    public void Receive(CoordinatorMessage message, ulong payload)
    {
        if (message is CoordinatorMessage.Welcome welcome)
        {
            Check.That(welcome.Term.Value >= _termMax.Value, "terms never go back");
            _termMax = welcome.Term;
        }
        else if (message is CoordinatorMessage.Weights)
        {
            message = message with { Payload = _payloads.Create(payload) };
        }

        Post(orders => _machine!.Handle(message, World.Now, orders));
    }

    protected override void Perform(WorkerOrder order)
    {
        switch (order)
        {
            case Connect: Later(World.Time(0.001, 0.1), TryConnect); break;
            case Disconnect: CloseLink(); break;
            case Send { Message: WorkerMessage.GradientSum sum }:
                ulong payload = sum.Payload.Take();
                Tell(isPayload: true, link => coordinator.Receive(link, sum, payload));
                break;
            case Send send: Tell(isPayload: false, link => coordinator.Receive(link, send.Message, 0)); break;
            case Prepare prepare: Later(World.Time(0, 0.5), () => Post(new Prepared(prepare.Term))); break;
            case BeginStep begin: ForgetStep(); _begun = begin.Weights; break;
            case ComputeShards compute: Compute(compute); break;
            case CancelStep: ForgetStep(); break;
            case Release release: release.Payload.Take(); break;
            case Exit exit:
                Outcome = exit.Outcome;
                ForgetStep();
                CloseLink();
                base.Crash();
                break;
            default: throw new InvalidOperationException(order.ToString());
        }
    }

    private void TryConnect()
    {
        Link = IsPartitioned ? null : coordinator.Accept(this);
        Post(Link is null ? new ConnectionLost("no answer") : new Connected());
    }

    private void CloseLink()
    {
        SimLink? link = Link;
        Link = null;
        link?.CloseByWorker();
    }

    private void Tell(bool isPayload, Action<SimLink> deliver)
    {
        if (Link is { } link && link.IsWorkerOpen)
        {
            link.ToCoordinator(isPayload, () => deliver(link));
        }
    }

    private void ForgetStep()
    {
        if (_begun is { } weights)
        {
            weights.Payload.Take();
        }

        _begun = null;
        _generation++;
    }

    private void Compute(ComputeShards compute)
    {
        ReductionTree tree = new(schedule.At(compute.Step.Value).ShardCount);
        Term term = _begun!.Term;
        ulong weights = ((SimPayloads.SimPayload)_begun.Payload!).Peek();
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
                    Post(new SumCompleted(new WorkerMessage.GradientSum(
                        term, compute.Step, node, count, Loss: count, Compute: default)
                    {
                        Payload = _payloads.Create(Toy.Node(tree, node, weights, compute.Step.Value)),
                    }));
                }
            });
        }
    }
}
