using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using MessagePack;
using MessagePack.Formatters;

namespace Distributed.Protocol.Serialization;

/// <summary>One line each way for every message of the coordinator.</summary>
internal sealed class CoordinatorMessageFormatter : IMessagePackFormatter<CoordinatorMessage>
{
    private const long HeartbeatTicksMax = TimeSpan.TicksPerHour;
    private const int PassBytes = 32;

    /// <inheritdoc/>
    public void Serialize(ref MessagePackWriter writer, CoordinatorMessage value, MessagePackSerializerOptions options)
    {
        switch (value)
        {
            case CoordinatorMessage.Welcome welcome:
                Invariant.Assert(!welcome.PlanFollows || welcome.Plan.Length == 0, "A plan comes once.");
                Invariant.Assert(welcome.Pass.Length is 0 or PassBytes, "A pass has its length.");
                writer.Begin(MessageTag.Welcome, 7);
                writer.WriteNumber(welcome.Term.Value);
                writer.WriteNumber(welcome.Worker.Value);
                writer.WriteWhole(welcome.Plan, MessageFormat.PlanBytesMax, "The plan in Welcome");
                writer.WriteNumber(welcome.HeartbeatInterval.Ticks);
                writer.Write(welcome.PlanFollows);
                writer.Write(welcome.Pass.Span);
                writer.WriteAddresses(welcome.Coordinators);
                break;
            case CoordinatorMessage.Refuse refuse:
                writer.Begin(MessageTag.Refuse, 2);
                writer.WriteNumber((int)refuse.Refusal);
                writer.WriteText(refuse.Reason, MessageFields.ReasonMax);
                break;
            case CoordinatorMessage.Heartbeat heartbeat:
                writer.Begin(MessageTag.CoordinatorHeartbeat, 1);
                writer.WriteNumber(heartbeat.Term.Value);
                break;
            case CoordinatorMessage.Weights weights:
                writer.Begin(MessageTag.Weights, 2);
                writer.WriteNumber(weights.Term.Value);
                writer.WriteNumber(weights.Step.Value);
                break;
            case CoordinatorMessage.Assign assign:
                writer.Begin(MessageTag.Assign, 4);
                writer.WriteNumber(assign.Term.Value);
                writer.WriteNumber(assign.Step.Value);
                writer.WriteNumber(assign.Shards.First);
                writer.WriteNumber(assign.Shards.End);
                break;
            case CoordinatorMessage.Finish finish:
                writer.Begin(MessageTag.Finish, 1);
                writer.WriteText(finish.Reason, MessageFields.ReasonMax);
                break;
            case CoordinatorMessage.DataBlock block:
                writer.Begin(MessageTag.DataBlock, 4);
                writer.WriteText(block.Hash, MessageFields.HashMax);
                writer.WriteNumber(block.Offset);
                writer.WriteNumber(block.Count);
                writer.WriteNumber(block.Length);
                break;
            case CoordinatorMessage.NoData none:
                writer.Begin(MessageTag.NoData, 2);
                writer.WriteText(none.Hash, MessageFields.HashMax);
                writer.WriteText(none.Reason, MessageFields.ReasonMax);
                break;
            case CoordinatorMessage.Coordinators coordinators:
                writer.Begin(MessageTag.Coordinators, 1);
                writer.WriteAddresses(coordinators.Addresses);
                break;
            case CoordinatorMessage.Plan plan:
                writer.Begin(MessageTag.Plan, 1);
                writer.WriteWhole(plan.Json, MessageFormat.LongPlanBytesMax, "The plan");
                break;
            default:
                throw MessageFields.Unwritten(value);
        }
    }

    /// <inheritdoc/>
    public CoordinatorMessage Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        (int tag, int fields) = reader.ReadStart();
        return (tag, fields) switch
        {
            (MessageTag.Welcome, 7) => ReadWelcome(ref reader),
            (MessageTag.Refuse, 2) => new CoordinatorMessage.Refuse(
                ReadRefusal(ref reader), reader.ReadText(MessageFields.ReasonMax)),
            (MessageTag.CoordinatorHeartbeat, 1) => new CoordinatorMessage.Heartbeat(reader.ReadTerm()),
            (MessageTag.Weights, 2) => new CoordinatorMessage.Weights(reader.ReadTerm(), reader.ReadStep()),
            (MessageTag.Assign, 4) => new CoordinatorMessage.Assign(
                reader.ReadTerm(), reader.ReadStep(), new ShardRange(reader.ReadInt(), reader.ReadInt())),
            (MessageTag.Finish, 1) => new CoordinatorMessage.Finish(reader.ReadText(MessageFields.ReasonMax)),
            (MessageTag.DataBlock, 4) => new CoordinatorMessage.DataBlock(
                reader.ReadText(MessageFields.HashMax),
                reader.ReadNumber(long.MaxValue),
                reader.ReadInt(),
                reader.ReadNumber(long.MaxValue)),
            (MessageTag.NoData, 2) => new CoordinatorMessage.NoData(
                reader.ReadText(MessageFields.HashMax), reader.ReadText(MessageFields.ReasonMax)),
            (MessageTag.Coordinators, 1) => new CoordinatorMessage.Coordinators(reader.ReadAddresses()),
            (MessageTag.Plan, 1) => new CoordinatorMessage.Plan(reader.ReadText(MessageFormat.LongPlanBytesMax)),
            _ => throw MessageFields.Unknown(tag, fields),
        };
    }

    private static CoordinatorMessage.Welcome ReadWelcome(ref MessagePackReader reader)
    {
        CoordinatorMessage.Welcome welcome = new(
            reader.ReadTerm(),
            new SessionId(reader.ReadInt()),
            reader.ReadText(MessageFormat.PlanBytesMax),
            ReadInterval(ref reader))
        {
            PlanFollows = reader.ReadBoolean(),
            Pass = reader.ReadBytes(PassBytes),
            Coordinators = reader.ReadAddresses(),
        };
        return !welcome.PlanFollows || welcome.Plan.Length == 0
            ? welcome
            : throw new ProtocolException("A plan is here and follows.");
    }

    private static TimeSpan ReadInterval(ref MessagePackReader reader)
    {
        long ticks = reader.ReadNumber(HeartbeatTicksMax);
        return ticks > 0 ? TimeSpan.FromTicks(ticks) : throw new ProtocolException("A heartbeat interval of nothing.");
    }

    private static Refusal ReadRefusal(ref MessagePackReader reader)
    {
        Refusal refusal = (Refusal)reader.ReadInt();
        return refusal is >= Refusal.Version and <= Refusal.NotFinite
            ? refusal
            : throw new ProtocolException($"There is no refusal {(int)refusal}.");
    }
}
