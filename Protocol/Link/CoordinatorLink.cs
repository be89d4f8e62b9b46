using System.Buffers;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Link;

/// <summary>A worker's end of the link to a coordinator in another process.</summary>
public sealed class CoordinatorLink : ICoordinatorLink, ILinkTarget<CoordinatorMessage>
{
    private static readonly WorkerWireFormat s_format = new();
    private readonly IWorkerEndpoint _worker;
    private readonly LinkConnection<WorkerMessage, CoordinatorMessage> _connection;

    /// <summary>An end that takes messages; <see cref="RunAsync"/> sends and receives.</summary>
    /// <param name="stream">To the coordinator and back; disposed of at the end.</param>
    /// <param name="worker">Gets what the coordinator says.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    public CoordinatorLink(Stream stream, IWorkerEndpoint worker, LinkOptions options, TimeProvider clock)
    {
        _worker = worker;
        _connection = new LinkConnection<WorkerMessage, CoordinatorMessage>(
            stream, s_format, this, worker.OnClosed, options, clock);
    }

    /// <summary>Runs until the link is over.</summary>
    public Task RunAsync() => _connection.RunAsync();

    /// <inheritdoc/>
    public void Send(WorkerMessage message, IMemoryOwner<float>? payload = null) => _connection.Send(message, payload);

    /// <inheritdoc/>
    public void Close(string why) => _connection.Close(why);

    void ILinkTarget<CoordinatorMessage>.OnHeard() => _worker.OnHeard();

    IMemoryOwner<float> ILinkTarget<CoordinatorMessage>.Rent(CoordinatorMessage message, int floatCount) =>
        _worker.Rent(message, floatCount);

    void ILinkTarget<CoordinatorMessage>.OnMessage(CoordinatorMessage message, IMemoryOwner<float>? payload) =>
        _worker.OnMessage(message, payload);
}
