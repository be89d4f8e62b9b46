using Distributed.Coordinator.Runs;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Actors;

/// <summary>A standby's network side: names the holder to who asks, and shows it that it is there.</summary>
/// <param name="node">Listens.</param>
internal sealed class NodePort(CoordinatorNode node) : IStandbyPort
{
    private Task _asking = Task.CompletedTask;

    /// <inheritdoc/>
    public void OnWaiting(RunHolder? holder)
    {
        HostPort? address = holder is { Release: null, Address: { } text } ? HostPort.Parse(text) : null;
        node.FindHolder = () => address;
        if (address is not null && _asking.IsCompleted)
        {
            _asking = node.ShowStandbyAsync(address);
        }
    }

    /// <inheritdoc/>
    public void OnTaken() => node.FindHolder = () => null;
}
