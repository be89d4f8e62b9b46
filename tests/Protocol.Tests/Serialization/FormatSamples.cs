using System.Buffers;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>Messages of each type with the values that they are made of, and a way to treat all kinds alike.</summary>
internal static class FormatSamples
{
    private const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private static readonly byte[] s_pass = [.. Enumerable.Range(200, 32).Select(value => (byte)value)];

    /// <summary>Each with its tag and fields, as another implementation would be told them.</summary>
    public static IReadOnlyList<(object Message, object[] Values)> All { get; } =
    [
        (new WorkerMessage.Join("lab-7", "0.1.0", "00ff00ff00ff00ff", 8, long.MaxValue),
            [1, "lab-7", "0.1.0", "00ff00ff00ff00ff", 8, long.MaxValue]),
        (new WorkerMessage.Ready(new Term(3)), [2, 3]),
        (new WorkerMessage.Heartbeat(new Term(3), IsReady: true), [3, 3, true]),
        (new WorkerMessage.GradientSum(
            new Term(3), new Step(70_000), new TreeNode(2, 200), 4, -0.15625, TimeSpan.FromMilliseconds(250)),
            [4, 3, 70_000, 2, 200, 4, -0.15625, 2_500_000]),
        (new WorkerMessage.GradientSum(
            new Term(3), new Step(1), new TreeNode(0, 0), 1, BitConverter.Int64BitsToDouble(-1), TimeSpan.Zero),
            [4, 3, 1, 0, 0, 1, BitConverter.Int64BitsToDouble(-1), 0]),
        (new WorkerMessage.Leave(new Term(300)), [5, 300]),
        (new WorkerMessage.WantData(Hash, 5_000_000_000), [6, Hash, 5_000_000_000]),
        (new CoordinatorMessage.Welcome(new Term(3), new SessionId(12), "{\"batch\":50}", TimeSpan.FromSeconds(1)),
            [32, 3, 12, "{\"batch\":50}", 10_000_000, false, Array.Empty<byte>(), Array.Empty<object>()]),
        (new CoordinatorMessage.Welcome(new Term(3), new SessionId(200), "", TimeSpan.FromSeconds(1))
        {
            PlanFollows = true,
            Pass = s_pass,
            Coordinators = ["alpha.example:5500", "[fe80::1]:65535"],
        },
            [32, 3, 200, "", 10_000_000, true, s_pass, new object[] { "alpha.example:5500", "[fe80::1]:65535" }]),
        (new CoordinatorMessage.Refuse(Refusal.NotFinite, "coordinator is version 0.1.0, worker is 0.0.9"),
            [33, 6, "coordinator is version 0.1.0, worker is 0.0.9"]),
        (new CoordinatorMessage.Heartbeat(new Term(int.MaxValue)), [34, int.MaxValue]),
        (new CoordinatorMessage.Weights(new Term(3), new Step(0)), [35, 3, 0]),
        (new CoordinatorMessage.Assign(new Term(3), new Step(128), new ShardRange(0, 13)), [36, 3, 128, 0, 13]),
        (new CoordinatorMessage.Finish("the run is finished: 43.5 \u20AC"), [37, "the run is finished: 43.5 \u20AC"]),
        (new CoordinatorMessage.DataBlock(Hash, 2_097_152, 1001, 5_000_000_000),
            [38, Hash, 2_097_152, 1001, 5_000_000_000]),
        (new CoordinatorMessage.NoData(Hash, "none here"), [39, Hash, "none here"]),
        (new CoordinatorMessage.Coordinators(["alpha:5500"]), [40, new object[] { "alpha:5500" }]),
        (new CoordinatorMessage.Plan(new string('p', 300)), [41, new string('p', 300)]),
        (new StatusRequest(), [64]),
        (new StopRequest(), [65]),
        (new StopAccepted(), [66]),
    ];

    public static byte[] Write(object message)
    {
        ArrayBufferWriter<byte> target = new();
        switch (message)
        {
            case WorkerMessage worker: MessageFormat.Write(target, worker); break;
            case CoordinatorMessage coordinator: MessageFormat.Write(target, coordinator); break;
            default: MessageFormat.Write(target, (RunMessage)message); break;
        }

        return target.WrittenSpan.ToArray();
    }

    /// <summary>Reads bytes as who hears messages of this one's kind would.</summary>
    public static object Read(ReadOnlyMemory<byte> bytes, object like) => like switch
    {
        WorkerMessage => MessageFormat.ReadWorkerMessage(bytes),
        CoordinatorMessage => MessageFormat.ReadCoordinatorMessage(bytes),
        _ => MessageFormat.ReadRunMessage(bytes),
    };

    public static void AssertSame(object expected, object actual)
    {
        switch (expected, actual)
        {
            case (CoordinatorMessage.Welcome left, CoordinatorMessage.Welcome right):
                Assert.Equal(left.Pass.ToArray(), right.Pass.ToArray());
                Assert.Equal(left.Coordinators, right.Coordinators);
                Assert.Equal(
                    left with { Pass = default, Coordinators = [] }, right with { Pass = default, Coordinators = [] });
                break;
            case (CoordinatorMessage.Coordinators left, CoordinatorMessage.Coordinators right):
                Assert.Equal(left.Addresses, right.Addresses);
                break;
            default:
                Assert.Equal(expected, actual);
                break;
        }
    }
}
