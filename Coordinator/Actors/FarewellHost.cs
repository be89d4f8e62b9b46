using System.Buffers;
using System.Collections.Concurrent;
using Distributed.Coordinator.Http;
using Distributed.Protocol.Link;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>
/// Tells every worker that joins that all is finished. Workers of an experiment come back after each cell to see
/// whether there is another; after the last one they find this.
/// </summary>
/// <param name="why">What they are told.</param>
internal sealed class FarewellHost(string why) : ILinkHost
{
    private readonly ConcurrentDictionary<WorkerId, IWorkerLink> _links = [];
    private int _workers;

    /// <inheritdoc/>
    public LinkTraffic Traffic { get; } = new();

    /// <inheritdoc/>
    public int WorkersReady => 0;

    /// <inheritdoc/>
    public WorkerId NextWorkerId() => new(Interlocked.Increment(ref _workers));

    /// <inheritdoc/>
    public void Attach(WorkerId worker, IWorkerLink link) => _links[worker] = link;

    /// <inheritdoc/>
    public void OnMessage(WorkerId worker, WorkerMessage message, IMemoryOwner<float>? bulk)
    {
        bulk?.Dispose();
        if (_links.TryRemove(worker, out IWorkerLink? link))
        {
            link.Send(new CoordinatorMessage.Finish(why));
            link.Close(why);
        }
    }

    /// <inheritdoc/>
    public void OnHeard(WorkerId worker)
    {
    }

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
        throw new ProtocolException($"{message.GetType().Name} with {floatCount} floats; there is nothing to compute.");

    /// <inheritdoc/>
    public void OnClosed(WorkerId worker, string why) => _links.TryRemove(worker, out _);

    /// <inheritdoc/>
    public void Fail(Exception exception)
    {
        // Nothing is at stake any more: the worker gives up by itself.
    }
}
