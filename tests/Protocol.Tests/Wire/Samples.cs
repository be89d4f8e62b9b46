using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Tests.Wire;

/// <summary>One message of each type, and a way to treat both directions alike.</summary>
internal static class Samples
{
    public const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private static readonly CoordinatorWireFormat s_coordinator = new();
    private static readonly WorkerWireFormat s_worker = new();

    public static IReadOnlyList<object> All { get; } =
    [
        new WorkerMessage.Join("lab-7", "0.1.0", "00ff00ff00ff00ff", 8, long.MaxValue),
        new WorkerMessage.Ready(new Term(3)),
        new WorkerMessage.Heartbeat(new Term(3), IsReady: true),
        new WorkerMessage.GradientSum(
            new Term(3), new Step(70_000), new TreeNode(2, 200), 4, -0.15625, TimeSpan.FromMilliseconds(250)),
        new WorkerMessage.Leave(new Term(300)),
        new WorkerMessage.WantData(Hash, 5_000_000_000),
        new CoordinatorMessage.Welcome(new Term(3), new SessionId(12), "{\"batch\":50}", TimeSpan.FromSeconds(1)),
        new CoordinatorMessage.Refuse(Refusal.Version, "coordinator is version 0.1.0, worker is 0.0.9"),
        new CoordinatorMessage.Heartbeat(new Term(int.MaxValue)),
        new CoordinatorMessage.Weights(new Term(3), new Step(0)),
        new CoordinatorMessage.Assign(new Term(3), new Step(128), new ShardRange(0, 13)),
        new CoordinatorMessage.Finish("the run is finished"),
        new CoordinatorMessage.DataBlock(Hash, 2_097_152, 1001, 5_000_000_000),
        new CoordinatorMessage.NoData(Hash, "the coordinator does not have these data"),
    ];

    /// <summary>The first frame of a message; those with floats say that 1,000 follow in bulk 7.</summary>
    public static byte[] Frame(object message)
    {
        bool hasBulk = MessageTag.HasBulk(message);
        uint stream = hasBulk ? 7u : 0;
        int floats = hasBulk ? 1000 : 0;
        byte[] target = new byte[8192];
        int length = message is WorkerMessage said
            ? s_worker.WriteFrame(target, said, stream, floats)
            : s_coordinator.WriteFrame(target, (CoordinatorMessage)message, stream, floats);
        return target[..length];
    }

    /// <summary>As a link reads it, from exactly these bytes.</summary>
    public static (object Message, int Floats, uint Stream) Read(ReadOnlySpan<byte> bytes, bool isWorkers)
    {
        Frame frame = Protocol.Wire.Frame.ReadHeader(bytes);
        ReadOnlySpan<byte> payload = bytes[16..];
        if (payload.Length != frame.Length)
        {
            throw new Machines.ProtocolException("Too short.");
        }

        Protocol.Wire.Frame.Check(bytes[..16], payload);
        return frame.Kind is FrameKind.Control or FrameKind.BulkBegin
            ? ReadPayload(frame.Kind, payload, isWorkers, frame.Stream)
            : throw new Machines.ProtocolException("Not a message.");
    }

    public static (object Message, int Floats, uint Stream) ReadPayload(
        FrameKind kind, ReadOnlySpan<byte> payload, bool isWorkers, uint stream = 0)
    {
        if (isWorkers)
        {
            (WorkerMessage said, int floats) = s_coordinator.ReadPayload(kind, payload);
            return (said, floats, stream);
        }

        (CoordinatorMessage heard, int count) = s_worker.ReadPayload(kind, payload);
        return (heard, count, stream);
    }
}
