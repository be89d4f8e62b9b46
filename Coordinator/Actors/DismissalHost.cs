using System.Buffers;
using System.Collections.Concurrent;
using Distributed.Coordinator.Http;
using Distributed.Protocol.Link;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>
/// Dismisses every worker that joins: all is finished. Workers of an experiment come back after each trial to see
/// whether there is another; after the last one they find this.
/// </summary>
/// <param name="why">The reason that they get.</param>
internal sealed class DismissalHost(string why) : ILinkHost
{
    private readonly ConcurrentDictionary<SessionId, IWorkerLink> _links = [];
    private int _workers;

    /// <inheritdoc/>
    public LinkTraffic Traffic { get; } = new();

    /// <inheritdoc/>
    public int WorkersReady => 0;

    /// <inheritdoc/>
    public SessionId NextSessionId() => new(Interlocked.Increment(ref _workers));

    /// <inheritdoc/>
    public void Attach(SessionId worker, IWorkerLink link) => _links[worker] = link;

    /// <inheritdoc/>
    public void OnMessage(SessionId worker, WorkerMessage message, IMemoryOwner<float>? payload)
    {
        payload?.Dispose();
        if (_links.TryRemove(worker, out IWorkerLink? link))
        {
            link.Send(new CoordinatorMessage.Finish(why));
            link.Close(why);
        }
    }

    /// <inheritdoc/>
    public void OnHeard(SessionId worker)
    {
    }

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
        throw new ProtocolException($"{message.GetType().Name} with {floatCount} floats; there is nothing to compute.");

    /// <inheritdoc/>
    public void OnClosed(SessionId worker, string why) => _links.TryRemove(worker, out _);

    /// <inheritdoc/>
    public void Fail(Exception exception)
    {
        // Nothing is at stake any more: the worker gives up by itself.
    }
}
