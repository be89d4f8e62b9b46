using Akka.Actor;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;
using Distributed.Worker.Core;

namespace Distributed.Worker.Actors;

/// <summary>A worker in the coordinator's process: messages and buffers pass by reference.</summary>
internal sealed class LocalWorkerActor(
    IActorRef coordinator,
    TrainingJob job,
    Term term,
    SessionId id,
    WorkerOptions options,
    ComputeCounters counters,
    TaskCompletionSource<WorkerOrder.Exit>? ended) : WorkerActor(options, counters, ended)
{
    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.Watch(coordinator);
        MakePool(job);
        Report(new WorkerReport.Engaged(term, id));
    }

    /// <inheritdoc/>
    protected override void OnOtherMessage(object message)
    {
        switch (message)
        {
            case CoordinatorMessage said:
                Take(said);
                break;
            case Terminated:
                Report(new WorkerReport.ConnectionLost("the coordinator has ended"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void Send(WorkerMessage message) => coordinator.Tell(message, Self);

    /// <inheritdoc/>
    protected override void PerformOther(WorkerOrder order) =>
        throw new InvariantException($"{order.GetType().Name} is for workers that have a connection.");
}
