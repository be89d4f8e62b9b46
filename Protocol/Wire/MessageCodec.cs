using System.Text;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Wire;

/// <summary>Messages as bytes: a MessagePack array of the tag and the message's fields, in their order.</summary>
/// <remarks>
/// One line each way for every message; payloads travel beside it. The reader refuses unknown tags, wrong counts,
/// values out of their range and bytes that follow; it never throws anything but <see cref="ProtocolException"/>.
/// </remarks>
public static class MessageCodec
{
    /// <summary>Bytes that suffice for any message but a long plan.</summary>
    private const int UsualBytesMax = 6 << 10;
    private const int NameMax = 256;
    private const int ReasonMax = 4096;
    private const int PlanMax = 240 << 10;
    private const int HashMax = 64;
    private const int FieldsMax = 8;
    private const long HeartbeatTicksMax = TimeSpan.TicksPerHour;
    private const long ComputeTicksMax = 1000 * TimeSpan.TicksPerDay;

    /// <summary>Bytes that suffice for a message.</summary>
    public static int SizeMax(CoordinatorMessage message) => message is CoordinatorMessage.Welcome welcome
        ? UsualBytesMax + Encoding.UTF8.GetByteCount(welcome.Plan)
        : UsualBytesMax;

    /// <summary>Bytes that suffice for a message.</summary>
    public static int SizeMax(WorkerMessage message) => UsualBytesMax;

    /// <summary>Writes a worker's message.</summary>
    public static void Write(ref MessagePackWriter writer, WorkerMessage message)
    {
        switch (message)
        {
            case WorkerMessage.Join join:
                Begin(ref writer, MessageTag.Join, 5);
                WriteText(ref writer, join.Name, NameMax);
                WriteText(ref writer, join.Version, NameMax);
                WriteText(ref writer, join.Numerics, NameMax);
                writer.WriteInteger(join.Threads);
                writer.WriteInteger(join.Incarnation);
                break;
            case WorkerMessage.Ready ready:
                Begin(ref writer, MessageTag.Ready, 1);
                writer.WriteInteger(ready.Term.Value);
                break;
            case WorkerMessage.Heartbeat heartbeat:
                Begin(ref writer, MessageTag.WorkerHeartbeat, 2);
                writer.WriteInteger(heartbeat.Term.Value);
                writer.WriteBoolean(heartbeat.IsReady);
                break;
            case WorkerMessage.GradientSum sum:
                Begin(ref writer, MessageTag.GradientSum, 7);
                writer.WriteInteger(sum.Term.Value);
                writer.WriteInteger(sum.Step.Value);
                writer.WriteInteger(sum.Node.Level);
                writer.WriteInteger(sum.Node.Index);
                writer.WriteInteger(sum.ShardCount);
                writer.WriteDouble(sum.Loss);
                writer.WriteInteger(Math.Clamp(sum.Compute.Ticks, 0, ComputeTicksMax));
                break;
            case WorkerMessage.Leave leave:
                Begin(ref writer, MessageTag.Leave, 1);
                writer.WriteInteger(leave.Term.Value);
                break;
            case WorkerMessage.WantData want:
                Begin(ref writer, MessageTag.WantData, 2);
                WriteText(ref writer, want.Hash, HashMax);
                writer.WriteInteger(want.Offset);
                break;
            default:
                throw new InvariantException($"Every message has its line; {message.GetType().Name} has none.");
        }
    }

    /// <summary>Writes a coordinator's message.</summary>
    public static void Write(ref MessagePackWriter writer, CoordinatorMessage message)
    {
        switch (message)
        {
            case CoordinatorMessage.Welcome welcome:
                Begin(ref writer, MessageTag.Welcome, 4);
                writer.WriteInteger(welcome.Term.Value);
                writer.WriteInteger(welcome.Worker.Value);
                WriteText(ref writer, welcome.Plan, PlanMax);
                writer.WriteInteger(welcome.HeartbeatInterval.Ticks);
                break;
            case CoordinatorMessage.Refuse refuse:
                Begin(ref writer, MessageTag.Refuse, 2);
                writer.WriteInteger((int)refuse.Refusal);
                WriteText(ref writer, refuse.Reason, ReasonMax);
                break;
            case CoordinatorMessage.Heartbeat heartbeat:
                Begin(ref writer, MessageTag.CoordinatorHeartbeat, 1);
                writer.WriteInteger(heartbeat.Term.Value);
                break;
            case CoordinatorMessage.Weights weights:
                Begin(ref writer, MessageTag.Weights, 2);
                writer.WriteInteger(weights.Term.Value);
                writer.WriteInteger(weights.Step.Value);
                break;
            case CoordinatorMessage.Assign assign:
                Begin(ref writer, MessageTag.Assign, 4);
                writer.WriteInteger(assign.Term.Value);
                writer.WriteInteger(assign.Step.Value);
                writer.WriteInteger(assign.Shards.First);
                writer.WriteInteger(assign.Shards.End);
                break;
            case CoordinatorMessage.Finish finish:
                Begin(ref writer, MessageTag.Finish, 1);
                WriteText(ref writer, finish.Reason, ReasonMax);
                break;
            case CoordinatorMessage.DataBlock block:
                Begin(ref writer, MessageTag.DataBlock, 4);
                WriteText(ref writer, block.Hash, HashMax);
                writer.WriteInteger(block.Offset);
                writer.WriteInteger(block.Count);
                writer.WriteInteger(block.Length);
                break;
            case CoordinatorMessage.NoData none:
                Begin(ref writer, MessageTag.NoData, 2);
                WriteText(ref writer, none.Hash, HashMax);
                WriteText(ref writer, none.Reason, ReasonMax);
                break;
            default:
                throw new InvariantException($"Every message has its line; {message.GetType().Name} has none.");
        }
    }

    /// <summary>Reads a worker's message.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static WorkerMessage ReadWorkerMessage(ref MessagePackReader reader)
    {
        (int tag, int fields) = ReadStart(ref reader);
        return (tag, fields) switch
        {
            (MessageTag.Join, 5) => new WorkerMessage.Join(
                reader.ReadText(NameMax),
                reader.ReadText(NameMax),
                reader.ReadText(NameMax),
                ReadInt(ref reader),
                reader.ReadInteger(long.MaxValue)),
            (MessageTag.Ready, 1) => new WorkerMessage.Ready(ReadTerm(ref reader)),
            (MessageTag.WorkerHeartbeat, 2) => new WorkerMessage.Heartbeat(ReadTerm(ref reader), reader.ReadBoolean()),
            (MessageTag.GradientSum, 7) => new WorkerMessage.GradientSum(
                ReadTerm(ref reader),
                ReadStep(ref reader),
                new TreeNode(ReadInt(ref reader), ReadInt(ref reader)),
                ReadInt(ref reader),
                reader.ReadDouble(),
                TimeSpan.FromTicks(reader.ReadInteger(ComputeTicksMax))),
            (MessageTag.Leave, 1) => new WorkerMessage.Leave(ReadTerm(ref reader)),
            (MessageTag.WantData, 2) => new WorkerMessage.WantData(
                reader.ReadText(HashMax), reader.ReadInteger(long.MaxValue)),
            _ => throw Unknown(tag, fields),
        };
    }

    /// <summary>Reads a coordinator's message.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static CoordinatorMessage ReadCoordinatorMessage(ref MessagePackReader reader)
    {
        (int tag, int fields) = ReadStart(ref reader);
        return (tag, fields) switch
        {
            (MessageTag.Welcome, 4) => new CoordinatorMessage.Welcome(
                ReadTerm(ref reader),
                new SessionId(ReadInt(ref reader)),
                reader.ReadText(PlanMax),
                ReadInterval(ref reader)),
            (MessageTag.Refuse, 2) => new CoordinatorMessage.Refuse(
                ReadRefusal(ref reader), reader.ReadText(ReasonMax)),
            (MessageTag.CoordinatorHeartbeat, 1) => new CoordinatorMessage.Heartbeat(ReadTerm(ref reader)),
            (MessageTag.Weights, 2) => new CoordinatorMessage.Weights(ReadTerm(ref reader), ReadStep(ref reader)),
            (MessageTag.Assign, 4) => new CoordinatorMessage.Assign(
                ReadTerm(ref reader), ReadStep(ref reader), new ShardRange(ReadInt(ref reader), ReadInt(ref reader))),
            (MessageTag.Finish, 1) => new CoordinatorMessage.Finish(reader.ReadText(ReasonMax)),
            (MessageTag.DataBlock, 4) => new CoordinatorMessage.DataBlock(
                reader.ReadText(HashMax),
                reader.ReadInteger(long.MaxValue),
                ReadInt(ref reader),
                reader.ReadInteger(long.MaxValue)),
            (MessageTag.NoData, 2) => new CoordinatorMessage.NoData(
                reader.ReadText(HashMax), reader.ReadText(ReasonMax)),
            _ => throw Unknown(tag, fields),
        };
    }

    private static void Begin(ref MessagePackWriter writer, int tag, int fields)
    {
        writer.WriteArray(fields + 1);
        writer.WriteInteger(tag);
    }

    /// <summary>A text of our own that is too long is cut: a reason for people, or a name.</summary>
    private static void WriteText(ref MessagePackWriter writer, string text, int bytesMax)
    {
        if (Encoding.UTF8.GetByteCount(text) <= bytesMax)
        {
            writer.WriteText(text);
            return;
        }

        if (bytesMax == PlanMax)
        {
            throw new ProtocolException($"The plan is longer than {PlanMax} bytes.");
        }

        // No character has more than 3 bytes for each of its units.
        int length = bytesMax / 3;
        writer.WriteText(text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)]);
    }

    private static (int Tag, int Fields) ReadStart(ref MessagePackReader reader)
    {
        int count = reader.ReadArray(FieldsMax + 1);
        return count > 0
            ? (ReadInt(ref reader), count - 1)
            : throw new ProtocolException("A message without a tag.");
    }

    private static ProtocolException Unknown(int tag, int fields) =>
        new($"There is no message with tag {tag} and {fields} fields.");

    private static int ReadInt(ref MessagePackReader reader) => (int)reader.ReadInteger(int.MaxValue);

    private static Term ReadTerm(ref MessagePackReader reader) => new(ReadInt(ref reader));

    private static Step ReadStep(ref MessagePackReader reader) => new(ReadInt(ref reader));

    private static TimeSpan ReadInterval(ref MessagePackReader reader)
    {
        long ticks = reader.ReadInteger(HeartbeatTicksMax);
        return ticks > 0 ? TimeSpan.FromTicks(ticks) : throw new ProtocolException("A heartbeat interval of nothing.");
    }

    private static Refusal ReadRefusal(ref MessagePackReader reader)
    {
        Refusal refusal = (Refusal)ReadInt(ref reader);
        return refusal is >= Refusal.Version and <= Refusal.NotFinite
            ? refusal
            : throw new ProtocolException($"There is no refusal {(int)refusal}.");
    }
}
