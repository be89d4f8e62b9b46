using System.Buffers;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Engines;

/// <summary>A link within one process: messages and floats pass by reference, nothing is copied.</summary>
public sealed class LocalLink : IWorkerLink, ICoordinatorLink
{
    private readonly ICoordinatorEndpoint _coordinator;
    private readonly IWorkerEndpoint _worker;
    private readonly WorkerId _id;
    private int _isClosed;

    /// <summary>Joins both ends.</summary>
    public LocalLink(ICoordinatorEndpoint coordinator, IWorkerEndpoint worker, WorkerId id)
    {
        _coordinator = coordinator;
        _worker = worker;
        _id = id;
    }

    /// <inheritdoc/>
    public void Send(CoordinatorMessage message, IMemoryOwner<float>? bulk = null)
    {
        if (Volatile.Read(ref _isClosed) == 0)
        {
            _worker.OnMessage(message, bulk);
        }
        else
        {
            bulk?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Send(WorkerMessage message, IMemoryOwner<float>? bulk = null)
    {
        if (Volatile.Read(ref _isClosed) == 0)
        {
            _coordinator.OnMessage(_id, message, bulk);
        }
        else
        {
            bulk?.Dispose();
        }
    }

    void IWorkerLink.Close(string why)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            _worker.OnClosed(why);
        }
    }

    void ICoordinatorLink.Close(string why)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            _coordinator.OnClosed(_id, why);
        }
    }
}
