using System.Buffers;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tensors;

/// <summary>The coordinator's end of a channel.</summary>
public sealed class CoordinatorFormat : IMessageFormat<CoordinatorMessage, WorkerMessage>
{
    /// <inheritdoc/>
    public int BytesMax => 64 << 10;

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> target, CoordinatorMessage message) =>
        MessageFormat.Write(target, message);

    /// <inheritdoc/>
    public WorkerMessage Read(ReadOnlyMemory<byte> source) => MessageFormat.ReadWorkerMessage(source);

    /// <inheritdoc/>
    public (IMemoryOwner<float> Floats, PayloadStamp Stamp)? PayloadOf(CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Weights weights => (weights.Payload!, new PayloadStamp(weights.Term, weights.Step)),
        CoordinatorMessage.DataBlock block => (block.Payload!, default),
        _ => null,
    };

    /// <inheritdoc/>
    public PayloadStamp? StampOf(WorkerMessage message) =>
        message is WorkerMessage.GradientSum sum ? new PayloadStamp(sum.Term, sum.Step) : null;

    /// <inheritdoc/>
    public WorkerMessage WithPayload(WorkerMessage message, IMemoryOwner<float> floats) =>
        message with { Payload = floats };

    /// <inheritdoc/>
    /// <remarks>Only the newest weights are of any use.</remarks>
    public bool Supersedes(CoordinatorMessage newer, CoordinatorMessage waiting) =>
        newer is CoordinatorMessage.Weights && waiting is CoordinatorMessage.Weights;
}

/// <summary>A worker's end of a channel.</summary>
public sealed class WorkerFormat : IMessageFormat<WorkerMessage, CoordinatorMessage>
{
    /// <inheritdoc/>
    public int BytesMax => MessageFormat.LongPlanBytesMax + 1024;

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> target, WorkerMessage message) => MessageFormat.Write(target, message);

    /// <inheritdoc/>
    public CoordinatorMessage Read(ReadOnlyMemory<byte> source) => MessageFormat.ReadCoordinatorMessage(source);

    /// <inheritdoc/>
    public (IMemoryOwner<float> Floats, PayloadStamp Stamp)? PayloadOf(WorkerMessage message) =>
        message is WorkerMessage.GradientSum sum ? (sum.Payload!, new PayloadStamp(sum.Term, sum.Step)) : null;

    /// <inheritdoc/>
    public PayloadStamp? StampOf(CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Weights weights => new PayloadStamp(weights.Term, weights.Step),
        CoordinatorMessage.DataBlock => default(PayloadStamp),
        _ => null,
    };

    /// <inheritdoc/>
    public CoordinatorMessage WithPayload(CoordinatorMessage message, IMemoryOwner<float> floats) =>
        message with { Payload = floats };

    /// <inheritdoc/>
    public bool Supersedes(WorkerMessage newer, WorkerMessage waiting) => false;
}
