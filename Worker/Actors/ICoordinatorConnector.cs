using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Worker.Actors;

/// <summary>Finds the coordinator, wherever it is.</summary>
public interface ICoordinatorConnector
{
    /// <summary>Begins to connect; the handler is told of messages and of the end, on any thread.</summary>
    /// <exception cref="IOException">No coordinator can be reached now.</exception>
    /// <exception cref="JoinRefusedException">It will never let this process in.</exception>
    Task<ICoordinatorSession> ConnectAsync(IChannelHandler<CoordinatorMessage> handler, CancellationToken stop);
}

/// <summary>A worker's end of its connection to a coordinator.</summary>
public interface ICoordinatorSession
{
    /// <summary>Sends a message; never blocks, and owns the payload from now on.</summary>
    void Send(WorkerMessage message);

    /// <summary>Ends it after what was sent; the handler is not told.</summary>
    void Close(string why);
}
