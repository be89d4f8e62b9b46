using System.Runtime.ExceptionServices;
using Akka.Actor;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;
using Distributed.Worker.Core;

namespace Distributed.Worker.Actors;

/// <summary>A worker: takes weights and shards from the coordinator, sends it sums of their gradients.</summary>
/// <remarks>
/// It owns the machine, and the pool with the replica. Compute threads wake it when there are sums to take. Whatever
/// ends it, its threads have ended and its buffers are released before anybody sees it terminated.
/// </remarks>
#pragma warning disable CA1001 // Disposed of in PostStop.
public abstract class WorkerActor : MachineActor<WorkerReport, WorkerOrder>
#pragma warning restore CA1001
{
    private readonly WorkerMachine _machine;
    private readonly WorkerMessage.Join _identity;
    private readonly ComputeCounters _counters;
    private readonly TaskCompletionSource<WorkerOrder.Exit>? _ended;

    private ComputePool? _pool;
    private Step _step;
    private WorkerOrder.Exit _exit = new(WorkerOutcome.Done, "stopped");

    /// <summary>A worker that has no model yet.</summary>
    /// <param name="options">What it says about itself, and bounds.</param>
    /// <param name="counters">Counts what compute threads allocate.</param>
    /// <param name="ended">Gets the exit, after everything is released; null if not needed.</param>
    protected WorkerActor(
        WorkerOptions options, ComputeCounters counters, TaskCompletionSource<WorkerOrder.Exit>? ended)
        : this(new WorkerMachine(options), options, counters, ended)
    {
    }

    private WorkerActor(
        WorkerMachine machine,
        WorkerOptions options,
        ComputeCounters counters,
        TaskCompletionSource<WorkerOrder.Exit>? ended)
        : base(machine, new WorkerReport.Tick())
    {
        _machine = machine;
        _identity = options.Identity;
        _counters = counters;
        _ended = ended;
    }

    /// <summary>A worker in the coordinator's process; it is ready, and sends its sums to the coordinator.</summary>
    /// <param name="coordinator">Sends it Weights, Assign and Finish; the worker ends when this actor does.</param>
    /// <param name="job">Model and data.</param>
    /// <param name="term">Of the coordinator.</param>
    /// <param name="id">Of the worker.</param>
    /// <param name="name">What people call it.</param>
    /// <param name="threads">Shards computed at once.</param>
    /// <param name="counters">Counts what compute threads allocate; may be shared by workers.</param>
    /// <param name="ended">Gets the exit, after everything is released; null if not needed.</param>
    public static Props Local(
        IActorRef coordinator,
        TrainingJob job,
        Term term,
        SessionId id,
        string name,
        int threads,
        ComputeCounters counters,
        TaskCompletionSource<WorkerOrder.Exit>? ended = null)
    {
        WorkerOptions options = new() { Identity = new WorkerMessage.Join(name, "", "", threads, Incarnation: 0) };
        return ActorProps.Of(() => new LocalWorkerActor(coordinator, job, term, id, options, counters, ended))
            .WithDispatcher(ActorSystems.TrainingDispatcher);
    }

    /// <summary>A worker in a process of its own: finds the coordinator, joins it, comes back after a cut.</summary>
    /// <param name="connector">Makes connections to the coordinator.</param>
    /// <param name="options">What it says about itself, and bounds.</param>
    /// <param name="jobs">Gets model and data of a plan.</param>
    /// <param name="note">Called with what happens, a line each.</param>
    /// <param name="ended">Gets the exit, after everything is released; null if not needed.</param>
    public static Props Remote(
        ICoordinatorConnector connector,
        WorkerOptions options,
        JobSource jobs,
        Action<string> note,
        TaskCompletionSource<WorkerOrder.Exit>? ended = null) =>
        ActorProps.Of(() => new RemoteWorkerActor(connector, options, jobs, note, ended))
            .WithDispatcher(ActorSystems.TrainingDispatcher);

    /// <summary>A child that fails takes the worker with it; the parent hears of the child.</summary>
    protected override SupervisorStrategy SupervisorStrategy()
    {
        IActorRef self = Self;
        return new FailureStrategy(failure => self.Tell(new PartFailed(failure), ActorRefs.NoSender));
    }

    /// <inheritdoc/>
    protected sealed override void OnMessage(object message)
    {
        switch (message)
        {
            case SumsCompleted:
                TakeSums();
                break;
            case PartFailed failed:
                ExceptionDispatchInfo.Throw(failed.Cause);
                break;
            case Drain:
                Report(new WorkerReport.DrainRequested());
                break;
            case Kill:
                End(new WorkerOrder.Exit(WorkerOutcome.Done, "killed"));
                break;
            default:
                OnOtherMessage(message);
                break;
        }
    }

    /// <summary>Takes what does not concern every kind of worker.</summary>
    protected abstract void OnOtherMessage(object message);

    /// <inheritdoc/>
    protected sealed override void Perform(WorkerOrder order)
    {
        switch (order)
        {
            case WorkerOrder.Send send:
                Send(send.Message);
                break;
            case WorkerOrder.BeginStep { Weights: var weights }:
                _step = weights.Step;
                _pool!.BeginStep(weights.Term, weights.Step, (PooledBuffer)weights.Payload!);
                break;
            case WorkerOrder.ComputeShards compute:
                _pool!.Compute(compute.Shards);
                OnComputing(_step, compute.Shards);
                break;
            case WorkerOrder.CancelStep:
                _pool!.CancelStep();
                break;
            case WorkerOrder.Release release:
                release.Payload.Dispose();
                break;
            case WorkerOrder.Exit exit:
                End(exit);
                break;
            default:
                PerformOther(order);
                break;
        }
    }

    /// <summary>Shards of a step go to the compute threads.</summary>
    protected virtual void OnComputing(Step step, ShardRange shards)
    {
    }

    /// <summary>Performs what not every kind of worker is ordered.</summary>
    protected abstract void PerformOther(WorkerOrder order);

    /// <summary>Sends a message to the coordinator; it or its way there owns the payload from now on.</summary>
    protected abstract void Send(WorkerMessage message);

    /// <summary>Gives the machine a message of the coordinator.</summary>
    protected void Take(CoordinatorMessage message)
    {
        _machine.Handle(message, Now, Orders);
        PerformOrders();
    }

    /// <summary>Computes for a job from now on.</summary>
    protected void MakePool(TrainingJob job)
    {
        IActorRef self = Self;
        _pool?.Dispose();
        _pool = new ComputePool(
            job,
            _identity.Threads,
            _identity.Name,
            _counters,
            () => self.Tell(SumsCompleted.Instance, ActorRefs.NoSender),
            exception => self.Tell(new PartFailed(exception), ActorRefs.NoSender));
    }

    /// <summary>The exit in words for people; by default as the machine ordered it.</summary>
    protected virtual WorkerOrder.Exit Describe(WorkerOrder.Exit exit) => exit;

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _pool?.Dispose();
        _ended?.TrySetResult(Describe(_exit));
        base.PostStop();
    }

    private void End(WorkerOrder.Exit exit)
    {
        _exit = exit;
        Context.Stop(Self);
    }

    private void TakeSums()
    {
        while (_pool!.TryTakeCompleted(out CompletedSum sum))
        {
            Report(new WorkerReport.SumCompleted(
                new WorkerMessage.GradientSum(
                    sum.Term, sum.Step, sum.Node, sum.ShardCount, sum.Gradient.Loss, _pool.TakeComputeTime())
                {
                    Payload = sum.Gradient,
                    IsFinite = sum.IsFinite,
                }));
        }
    }

    /// <summary>Asks a worker to end in good order: others get what it has not computed.</summary>
    public sealed record Drain
    {
        /// <summary>The only one that is needed.</summary>
        public static Drain Instance { get; } = new();
    }

    /// <summary>Ends a worker as a crash would: at once, without a word to the coordinator.</summary>
    public sealed record Kill
    {
        /// <summary>The only one that is needed.</summary>
        public static Kill Instance { get; } = new();
    }

    /// <summary>There are sums to take.</summary>
    private sealed record SumsCompleted
    {
        public static SumsCompleted Instance { get; } = new();
    }

    private sealed record PartFailed(Exception Cause);
}
