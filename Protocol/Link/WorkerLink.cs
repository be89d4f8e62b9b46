using System.Buffers;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Link;

/// <summary>The coordinator's end of the link to a worker in another process.</summary>
public sealed class WorkerLink : IWorkerLink, ILinkTarget<WorkerMessage>
{
    private static readonly CoordinatorWireFormat s_format = new();
    private readonly ICoordinatorEndpoint _coordinator;
    private readonly LinkConnection<CoordinatorMessage, WorkerMessage> _connection;

    /// <summary>An end that takes messages; <see cref="RunAsync"/> sends and receives.</summary>
    /// <param name="stream">To the worker and back; disposed of at the end.</param>
    /// <param name="coordinator">Gets what the worker says.</param>
    /// <param name="id">What the coordinator calls this joining.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <param name="traffic">Counts bytes; null if nobody asks.</param>
    public WorkerLink(
        Stream stream,
        ICoordinatorEndpoint coordinator,
        SessionId id,
        LinkOptions options,
        TimeProvider clock,
        LinkTraffic? traffic = null)
    {
        _coordinator = coordinator;
        Id = id;
        _connection = new LinkConnection<CoordinatorMessage, WorkerMessage>(
            stream, s_format, this, why => coordinator.OnClosed(id, why), options, clock, traffic);
    }

    /// <summary>What the coordinator calls this joining.</summary>
    public SessionId Id { get; }

    /// <summary>Runs until the link is over.</summary>
    public Task RunAsync() => _connection.RunAsync();

    /// <inheritdoc/>
    public void Send(CoordinatorMessage message, IMemoryOwner<float>? payload = null) =>
        _connection.Send(message, payload);

    /// <inheritdoc/>
    public void Close(string why) => _connection.Close(why);

    void ILinkTarget<WorkerMessage>.OnHeard() => _coordinator.OnHeard(Id);

    IMemoryOwner<float> ILinkTarget<WorkerMessage>.Rent(WorkerMessage message, int floatCount) =>
        _coordinator.Rent(message, floatCount);

    void ILinkTarget<WorkerMessage>.OnMessage(WorkerMessage message, IMemoryOwner<float>? payload) =>
        _coordinator.OnMessage(Id, message, payload);
}
