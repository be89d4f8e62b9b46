using Distributed.Protocol.Link;

namespace Distributed.Worker.Actors;

/// <summary>Makes links to a coordinator.</summary>
public interface ICoordinatorConnector
{
    /// <summary>Begins to connect; the endpoint hears of messages and of the end.</summary>
    /// <exception cref="IOException">The coordinator cannot be reached now.</exception>
    /// <exception cref="LinkRefusedException">It will never let this worker in.</exception>
    Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping);
}
