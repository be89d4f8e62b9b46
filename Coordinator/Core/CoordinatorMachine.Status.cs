using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>A worker that takes part, for people.</summary>
/// <param name="Worker">Its session.</param>
/// <param name="Name">Unique among them.</param>
/// <param name="Host">Where it runs; empty for the coordinator's process.</param>
/// <param name="Threads">Shards that it computes at once.</param>
/// <param name="State">In a word.</param>
/// <param name="ShardsPerSecond">Of late; 0 if not known.</param>
public sealed record MemberStatus(
    SessionId Worker, string Name, string Host, int Threads, string State, double ShardsPerSecond);

/// <summary>Who is there.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>Everybody who has joined.</summary>
    public IReadOnlyList<MemberStatus> Members =>
    [
        .. _members.Values.Select(member => new MemberStatus(
            member.Worker,
            member.Name,
            member.Host,
            member.Threads,
            !member.IsReady ? "preparing" : member.IsLate ? "late" : member.PendingShards > 0 ? "computing" : "waiting",
            member.Pace.ShardSeconds is { } seconds ? member.Threads / seconds : 0)),
    ];

    /// <summary>The name of a worker that has joined; null for another.</summary>
    public string? NameOf(SessionId worker) => _members.GetValueOrDefault(worker)?.Name;
}
