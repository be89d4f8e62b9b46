using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Wire;

/// <summary>The numbers that messages have on the wire. A number once given is never used for anything else.</summary>
public static class MessageTag
{
    /// <summary>Whether floats belong to messages of a tag: they have, always, or have not, ever.</summary>
    private static readonly HashSet<int> s_withBulk = [GradientSum, Weights, DataBlock];

    /// <summary>All tags with their types; a worker's are below 32, the coordinator's from there.</summary>
    public static IReadOnlyDictionary<Type, int> All { get; } = new Dictionary<Type, int>
    {
        [typeof(WorkerMessage.Join)] = Join,
        [typeof(WorkerMessage.Ready)] = Ready,
        [typeof(WorkerMessage.Heartbeat)] = WorkerHeartbeat,
        [typeof(WorkerMessage.GradientSum)] = GradientSum,
        [typeof(WorkerMessage.Leave)] = Leave,
        [typeof(WorkerMessage.WantData)] = WantData,
        [typeof(CoordinatorMessage.Welcome)] = Welcome,
        [typeof(CoordinatorMessage.Refuse)] = Refuse,
        [typeof(CoordinatorMessage.Heartbeat)] = CoordinatorHeartbeat,
        [typeof(CoordinatorMessage.Weights)] = Weights,
        [typeof(CoordinatorMessage.Assign)] = Assign,
        [typeof(CoordinatorMessage.Finish)] = Finish,
        [typeof(CoordinatorMessage.DataBlock)] = DataBlock,
        [typeof(CoordinatorMessage.NoData)] = NoData,
    };

    internal const int Join = 1;
    internal const int Ready = 2;
    internal const int WorkerHeartbeat = 3;
    internal const int GradientSum = 4;
    internal const int Leave = 5;
    internal const int WantData = 6;
    internal const int Welcome = 32;
    internal const int Refuse = 33;
    internal const int CoordinatorHeartbeat = 34;
    internal const int Weights = 35;
    internal const int Assign = 36;
    internal const int Finish = 37;
    internal const int DataBlock = 38;
    internal const int NoData = 39;

    /// <summary>Whether floats belong to a message of this type.</summary>
    public static bool HasBulk(object message) => s_withBulk.Contains(All[message.GetType()]);
}
