using System.Buffers;
using System.Collections.Concurrent;
using Akka.Actor;
using Distributed.Coordinator.Http;
using Distributed.Framework.Tensors;
using Distributed.Protocol.Link;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>Links of workers in other processes, as actors that the coordinator knows by their references.</summary>
/// <param name="coordinator">Gets what they say.</param>
/// <param name="gradients">Memory for gradients that arrive.</param>
/// <param name="metrics">Knows how many workers are ready.</param>
/// <param name="traffic">Counts bytes.</param>
/// <param name="onFault">Told of a fault of this program in a link.</param>
internal sealed class LinkHost(
    IActorRef coordinator,
    BufferPool gradients,
    RunMetrics metrics,
    LinkTraffic traffic,
    Action<Exception> onFault) : ILinkHost
{
    private readonly ConcurrentDictionary<SessionId, LinkRef> _links = [];
    private int _lastId;

    /// <inheritdoc/>
    public LinkTraffic Traffic => traffic;

    /// <inheritdoc/>
    public int WorkersReady => metrics.WorkersReady;

    /// <inheritdoc/>
    public SessionId NextSessionId() => new(Interlocked.Increment(ref _lastId));

    /// <inheritdoc/>
    public void Attach(SessionId worker, IWorkerLink link) =>
        _links[worker] = new LinkRef(coordinator.Path.Root / "links" / $"{worker}", link);

    /// <inheritdoc/>
    public void OnMessage(SessionId worker, WorkerMessage message, IMemoryOwner<float>? payload)
    {
        if (!_links.TryGetValue(worker, out LinkRef? link))
        {
            payload?.Dispose();
        }
        else if (link.TryBegin())
        {
            coordinator.Tell(payload is null ? message : message with { Payload = payload }, link);
        }
        else
        {
            payload?.Dispose();
            const string Why = "it says more than anybody can listen to";
            link.Close(Why);
            OnClosed(worker, Why);
        }
    }

    /// <inheritdoc/>
    public void OnHeard(SessionId worker)
    {
        if (_links.TryGetValue(worker, out LinkRef? link))
        {
            coordinator.Tell(link.Heard);
        }
    }

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
        message is WorkerMessage.GradientSum && floatCount == gradients.Length
            ? gradients.Rent()
            : throw new ProtocolException(
                $"{message.GetType().Name} with {floatCount} floats; the model has {gradients.Length}.");

    /// <inheritdoc/>
    public void OnClosed(SessionId worker, string why)
    {
        if (_links.TryRemove(worker, out LinkRef? link))
        {
            coordinator.Tell(new CoordinatorActor.Closed(link, why));
        }
    }

    /// <inheritdoc/>
    public void Fail(Exception exception) => onFault(exception);

    /// <summary>Closes all links: the run is over.</summary>
    public void CloseAll()
    {
        foreach (LinkRef link in _links.Values)
        {
            link.Close("the coordinator has ended");
        }
    }
}

/// <summary>A worker at the other end of a link: what it is told is sent at once, from any thread.</summary>
/// <param name="path">A name among actors.</param>
/// <param name="link">Where messages go.</param>
internal sealed class LinkRef(ActorPath path, IWorkerLink link) : MinimalActorRef
{
    /// <summary>Far more than a worker has to say in a step; who says more at once is cut off, not dropped.</summary>
    private const int UnhandledMax = 1024;

    private int _unhandled;

    /// <summary>Says that bytes have come.</summary>
    public CoordinatorActor.Heard Heard => field ??= new CoordinatorActor.Heard(this);

    /// <inheritdoc/>
    public override ActorPath Path => path;

    /// <inheritdoc/>
    public override IActorRefProvider Provider => throw new NotSupportedException("A link belongs to no system.");

    /// <summary>Counts a message on its way to the coordinator; false if too many are.</summary>
    public bool TryBegin() => Interlocked.Increment(ref _unhandled) <= UnhandledMax;

    /// <summary>The coordinator has handled one.</summary>
    public void OnHandled() => Interlocked.Decrement(ref _unhandled);

    /// <summary>Closes the link after what was sent.</summary>
    public void Close(string why) => link.Close(why);

    /// <inheritdoc/>
    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is CoordinatorMessage said)
        {
            link.Send(said, said.Payload);
        }

        if (message is CoordinatorMessage.DataBlock or CoordinatorMessage.NoData)
        {
            OnHandled(); // The question for it is answered by another actor than the coordinator.
        }
    }
}
