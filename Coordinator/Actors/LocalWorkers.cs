using Akka.Actor;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Compute;

namespace Distributed.Coordinator.Actors;

/// <summary>Workers in the coordinator's process, which share its model and data.</summary>
/// <param name="job">Model and data.</param>
/// <param name="term">Of the coordinator.</param>
internal sealed class LocalWorkers(TrainingJob job, Term term)
{
    private readonly ComputeCounters _counters = new();

    /// <summary>Bytes that all compute threads have allocated since they began to compute.</summary>
    public long AllocatedBytes => _counters.AllocatedBytes;

    /// <summary>Describes a worker that begins to work when it is started.</summary>
    public Props Describe(IActorRef coordinator, SessionId id, int threads) =>
        WorkerActor.Local(coordinator, job, term, id, $"local-{id.Value}", threads, _counters);
}
