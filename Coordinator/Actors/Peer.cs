using Akka.Actor;
using Distributed.Coordinator.Http;

namespace Distributed.Coordinator.Actors;

/// <summary>A worker as the coordinator's actor knows it.</summary>
/// <param name="reference">Where messages to it go.</param>
internal sealed class Peer(IActorRef reference) : IDisposable
{
    public IActorRef Reference => reference;

    /// <summary>Shows what it does; null before it has a name.</summary>
    public WorkerMetrics? Metrics { get; private set; }

    /// <summary>It is in, by a name that no other has.</summary>
    public void OnNamed(string name, RunMetrics? metrics)
    {
        Metrics ??= metrics?.OnWorker(name);
        if (Metrics is not null && reference is RemoteWorker remote)
        {
            Metrics.Bytes = () => (remote.Channel?.Traffic.Received ?? 0, remote.Channel?.Traffic.Sent ?? 0);
        }
    }

    /// <summary>It is gone.</summary>
    public void Dispose() => Metrics?.Dispose();
}
