using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Simulation;

/// <summary>
/// A worker and its compute threads: in a process of its own with one link at a time, or in the coordinator's.
/// </summary>
internal sealed class SimWorker(World world, Faults faults, SimCoordinator coordinator, int number, int threads)
    : SimProcess<WorkerReport, WorkerOrder>(world, new Tick())
{
    private readonly Timestamp[] _busyUntil = new Timestamp[threads];
    private SimPayloads _payloads = new();
    private WorkerMachine? _machine;
    private Term _termMax;
    private CoordinatorMessage.Weights? _begun;
    private int _generation;

    /// <summary>What the coordinator of the same process calls this worker; null in a process of its own.</summary>
    private SessionId? _local;

    public SimLink? Link { get; private set; }

    public bool IsPartitioned { get; set; }

    public int Threads => threads;

    /// <summary>Whether its sums are wrong now and then, as the faults say.</summary>
    public bool IsBad { get; init; }

    /// <summary>Seconds a shard.</summary>
    public double ShardSeconds { get; set; } = 0.05;

    /// <summary>Its start: what the coordinator tells processes apart by.</summary>
    public long Incarnation => (number * 10_000) + Life;

    /// <summary>Whether this process has sent a sum that is not finite.</summary>
    public bool HasSpoilt { get; private set; }

    /// <summary>How the process ended, if it did by itself.</summary>
    public WorkerOutcome? Outcome { get; private set; }

    /// <summary>Weights and gradients that this process holds.</summary>
    public int Outstanding => _payloads.Outstanding;

    public void Start()
    {
        Begin(new SimPayloads());
        _machine = new WorkerMachine(new WorkerOptions
        {
            Identity = new WorkerMessage.Join($"worker-{number}", "1", "n", threads, Incarnation + 1),
            Jitter = attempt => number * 0.1 % 1,
        });
        Start(_machine, new Started());
    }

    /// <summary>Starts in the coordinator's process, whose payloads it shares.</summary>
    public void Engage(Term term, SessionId id, SimPayloads payloads)
    {
        Begin(payloads);
        _local = id;
        _machine = new WorkerMachine(new WorkerOptions { Identity = new WorkerMessage.Join("", "", "", threads, 0) });
        Start(_machine, new Engaged(term, id));
    }

    /// <summary>The compute threads stand still while the rest goes on.</summary>
    public void Stall(TimeSpan time) => Array.Fill(_busyUntil, World.Now + time);

    public void Drain() => Post(new DrainRequested());

    public override void Crash()
    {
        SimLink? link = Link;
        Link = null;
        _payloads = new SimPayloads();
        base.Crash();
        if (World.Chance(50))
        {
            link?.CloseByWorker(); // The system closes the socket; else the whole machine is gone.
        }
    }

    /// <summary>Ends in good order.</summary>
    public void End()
    {
        ForgetStep();
        CloseLink();
        base.Crash();
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
        else if (message is CoordinatorMessage.Refuse refuse)
        {
            Check.That(refuse.Refusal == Refusal.NotFinite && HasSpoilt, $"{refuse} is deserved");
        }
        else if (message is CoordinatorMessage.Weights && IsUp)
        {
            message = message with { Payload = _payloads.Create(payload) };
        }

        Post(orders => _machine!.Handle(message, World.Now, orders), () => message.Payload?.Take());
    }

    protected override void Perform(WorkerOrder order)
    {
        switch (order)
        {
            case Connect: Later(World.Time(0.001, 0.1), TryConnect); break;
            case Disconnect: CloseLink(); break;
            case Send send when _local is { } id: coordinator.Receive(id, send.Message); break;
            case Send { Message: WorkerMessage.GradientSum sum }:
                ulong payload = sum.Payload.Take();

                // Links repeat nothing; the machines do not mind, but for this: it would be taken for a second answer.
                Tell(isPayload: true, link => coordinator.Receive(link, sum, payload), isOnce: !sum.IsFinite);
                break;
            case Send send: Tell(isPayload: false, link => coordinator.Receive(link, send.Message, 0)); break;
            case Prepare prepare: Later(World.Time(0, 0.5), () => Post(new Prepared(prepare.Term))); break;
            case BeginStep begin: ForgetStep(); _begun = begin.Weights; break;
            case ComputeShards compute: Compute(compute); break;
            case CancelStep: ForgetStep(); break;
            case Release release: release.Payload.Take(); break;
            case Exit exit: Outcome = exit.Outcome; End(); break;
            default: throw new InvalidOperationException(order.ToString());
        }
    }

    private void Begin(SimPayloads payloads)
    {
        Outcome = null;
        HasSpoilt = false;
        _begun = null;
        Array.Fill(_busyUntil, World.Now);
        _payloads = payloads;
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

    private void Tell(bool isPayload, Action<SimLink> deliver, bool isOnce = false)
    {
        if (Link is { } link && link.IsWorkerOpen)
        {
            link.ToCoordinator(isPayload, () => deliver(link), isOnce);
        }
    }

    private void ForgetStep()
    {
        _begun?.Payload.Take();
        _begun = null;
        _generation++;
    }

    private void Compute(ComputeShards compute)
    {
        ReductionTree tree = coordinator.Tree(compute.Step);
        Term term = _begun!.Term;
        ulong weights = ((SimPayloads.SimPayload)_begun.Payload!).Peek();
        int generation = _generation;
        foreach (TreeNode node in tree.MaximalNodes(compute.Shards))
        {
            ShardRange shards = tree.Cover(node);
            bool isStubborn = World.Chance(30); // Finishes what it has begun although it is cancelled.
            Later(Take(shards.Count) - World.Now, () =>
            {
                if (generation == _generation || isStubborn)
                {
                    bool isSpoilt = IsBad && World.Chance(faults.NotFinitePercent)
                        && coordinator.TrySpoil(term, compute.Step, shards);
                    HasSpoilt |= isSpoilt;
                    ulong value = isSpoilt ? Toy.Poison : Toy.Node(tree, node, weights, compute.Step.Value);
                    WorkerMessage.GradientSum sum = new(term, compute.Step, node, shards.Count, Loss: 1, default)
                    {
                        Payload = _payloads.Create(value),
                        IsFinite = !isSpoilt && !coordinator.Diverges(compute.Step, shards),
                    };
                    Post(
                        orders => _machine!.Handle(new SumCompleted(sum), World.Now, orders), () => sum.Payload.Take());
                }
            });
        }
    }

    /// <summary>Lets threads take so many shards: when the last one is computed.</summary>
    private Timestamp Take(int shardCount)
    {
        Timestamp end = World.Now;
        for (int i = 0; i < shardCount; i++)
        {
            int thread = Array.IndexOf(_busyUntil, _busyUntil.Min());
            Timestamp start = _busyUntil[thread] > World.Now ? _busyUntil[thread] : World.Now;
            _busyUntil[thread] = start + TimeSpan.FromSeconds(ShardSeconds);
            end = _busyUntil[thread] > end ? _busyUntil[thread] : end;
        }

        return end;
    }
}
