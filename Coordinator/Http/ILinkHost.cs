using Distributed.Protocol.Link;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Http;

/// <summary>Whom the links of a server belong to: a coordinator, or one that dismisses workers for it.</summary>
public interface ILinkHost : ICoordinatorEndpoint
{
    /// <summary>What the links have moved; they count.</summary>
    LinkTraffic Traffic { get; }

    /// <summary>Workers that take part now.</summary>
    int WorkersReady { get; }

    /// <summary>A number for a new link.</summary>
    SessionId NextSessionId();

    /// <summary>Takes a link in; its messages may come from now on.</summary>
    void Attach(SessionId worker, IWorkerLink link);

    /// <summary>A link has met a fault of this program.</summary>
    void Fail(Exception exception);
}
