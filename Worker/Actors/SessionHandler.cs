using System.Buffers;
using Akka.Actor;
using Distributed.Framework.Tensors;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Worker.Actors;

/// <summary>A message that came over the connection of an attempt.</summary>
internal sealed record SessionMessage(int Attempt, CoordinatorMessage Message) : IReleasable
{
    public void Release() => Message.Release();
}

/// <summary>Bytes of a message came over the connection of an attempt.</summary>
internal sealed record SessionHeard(int Attempt);

/// <summary>An attempt ended, or its connection did.</summary>
internal sealed record SessionClosed(int Attempt, string Why);

/// <summary>What channels rent buffers for; written by the worker, read by their threads.</summary>
internal sealed class SessionBuffers
{
    /// <summary>Most floats of a block that are taken in.</summary>
    private const int BlockFloatsMax = 1 << 20;

    /// <summary>Blocks that may wait to be written.</summary>
    private const int BlocksMax = 8;

    private volatile BufferPool? _weights;
    private volatile string? _dataHash;
    private int _blocks;

    /// <summary>For weights of the model; null before there is one.</summary>
    public BufferPool? Weights
    {
        set => _weights = value;
    }

    /// <summary>The data set that blocks were asked of last.</summary>
    public string DataHash
    {
        set => _dataHash = value;
    }

    /// <summary>A buffer for what a message announces.</summary>
    /// <exception cref="ProtocolException">Nothing of this kind or size is expected.</exception>
    public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount)
    {
        switch (message)
        {
            case CoordinatorMessage.Weights when _weights is { } weights && weights.Length == floatCount:
                return weights.Rent();
            case CoordinatorMessage.DataBlock block when block.Hash == _dataHash && block.Count > 0
                && floatCount <= BlockFloatsMax && floatCount == (block.Count + sizeof(float) - 1) / sizeof(float):
                // More than one is there only if it was asked for again.
                RentedFloats buffer = new(floatCount, () => Interlocked.Decrement(ref _blocks));
                if (Interlocked.Increment(ref _blocks) <= BlocksMax)
                {
                    return buffer;
                }

                buffer.Dispose();
                throw new ProtocolException("More blocks of data come than were asked for.");
            default:
                throw new ProtocolException($"{message.GetType().Name} with {floatCount} floats is not expected.");
        }
    }
}

/// <summary>Brings what a session says into a worker's mailbox, with the number of its attempt.</summary>
internal sealed class SessionHandler(IActorRef worker, int attempt, SessionBuffers buffers)
    : IChannelHandler<CoordinatorMessage>
{
    private readonly SessionHeard _heard = new(attempt);

    /// <inheritdoc/>
    public void OnMessage(CoordinatorMessage message) => worker.Tell(new SessionMessage(attempt, message), worker);

    /// <inheritdoc/>
    public void OnHeard() => worker.Tell(_heard, worker);

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) => buffers.Rent(message, floatCount);

    /// <inheritdoc/>
    public void OnClosed(string why) => worker.Tell(new SessionClosed(attempt, why), worker);
}
