using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using MessagePack;
using MessagePack.Formatters;

namespace Distributed.Protocol.Serialization;

/// <summary>One line each way for every message of a worker.</summary>
internal sealed class WorkerMessageFormatter : IMessagePackFormatter<WorkerMessage>
{
    private const long ComputeTicksMax = 1000 * TimeSpan.TicksPerDay;

    /// <inheritdoc/>
    public void Serialize(ref MessagePackWriter writer, WorkerMessage value, MessagePackSerializerOptions options)
    {
        switch (value)
        {
            case WorkerMessage.Join join:
                writer.Begin(MessageTag.Join, 5);
                writer.WriteText(join.Name, MessageFields.NameMax);
                writer.WriteText(join.Version, MessageFields.NameMax);
                writer.WriteText(join.Numerics, MessageFields.NameMax);
                writer.WriteNumber(join.Threads);
                writer.WriteNumber(join.Incarnation);
                break;
            case WorkerMessage.Ready ready:
                writer.Begin(MessageTag.Ready, 1);
                writer.WriteNumber(ready.Term.Value);
                break;
            case WorkerMessage.Heartbeat heartbeat:
                writer.Begin(MessageTag.WorkerHeartbeat, 2);
                writer.WriteNumber(heartbeat.Term.Value);
                writer.Write(heartbeat.IsReady);
                break;
            case WorkerMessage.GradientSum sum:
                writer.Begin(MessageTag.GradientSum, 7);
                writer.WriteNumber(sum.Term.Value);
                writer.WriteNumber(sum.Step.Value);
                writer.WriteNumber(sum.Node.Level);
                writer.WriteNumber(sum.Node.Index);
                writer.WriteNumber(sum.ShardCount);
                writer.Write(sum.Loss);
                writer.WriteNumber(Math.Clamp(sum.Compute.Ticks, 0, ComputeTicksMax));
                break;
            case WorkerMessage.Leave leave:
                writer.Begin(MessageTag.Leave, 1);
                writer.WriteNumber(leave.Term.Value);
                break;
            case WorkerMessage.WantData want:
                writer.Begin(MessageTag.WantData, 2);
                writer.WriteText(want.Hash, MessageFields.HashMax);
                writer.WriteNumber(want.Offset);
                break;
            default:
                throw MessageFields.Unwritten(value);
        }
    }

    /// <inheritdoc/>
    public WorkerMessage Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        (int tag, int fields) = reader.ReadStart();
        return (tag, fields) switch
        {
            (MessageTag.Join, 5) => new WorkerMessage.Join(
                reader.ReadText(MessageFields.NameMax),
                reader.ReadText(MessageFields.NameMax),
                reader.ReadText(MessageFields.NameMax),
                reader.ReadInt(),
                reader.ReadNumber(long.MaxValue)),
            (MessageTag.Ready, 1) => new WorkerMessage.Ready(reader.ReadTerm()),
            (MessageTag.WorkerHeartbeat, 2) => new WorkerMessage.Heartbeat(reader.ReadTerm(), reader.ReadBoolean()),
            (MessageTag.GradientSum, 7) => new WorkerMessage.GradientSum(
                reader.ReadTerm(),
                reader.ReadStep(),
                new TreeNode(reader.ReadInt(), reader.ReadInt()),
                reader.ReadInt(),
                reader.ReadDouble(),
                TimeSpan.FromTicks(reader.ReadNumber(ComputeTicksMax))),
            (MessageTag.Leave, 1) => new WorkerMessage.Leave(reader.ReadTerm()),
            (MessageTag.WantData, 2) => new WorkerMessage.WantData(
                reader.ReadText(MessageFields.HashMax), reader.ReadNumber(long.MaxValue)),
            _ => throw MessageFields.Unknown(tag, fields),
        };
    }
}
