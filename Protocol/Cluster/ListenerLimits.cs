namespace Distributed.Protocol.Cluster;

/// <summary>What connections that have not shown a key may cost; those that have are not counted.</summary>
public sealed record ListenerLimits
{
    /// <summary>Time to show a key and say what for.</summary>
    public TimeSpan ProveMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time to answer one that has shown its key, dialling back included.</summary>
    public TimeSpan AnswerMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Most at once; one more, and the oldest is cut. Each has a thread.</summary>
    public int UnprovenMax { get; init; } = 256;

    /// <summary>Most at once from one address that is no loopback; one more, and the oldest of them is cut.</summary>
    public int UnprovenOfOneMax { get; init; } = 32;
}
