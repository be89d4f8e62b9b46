using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>What the coordinator knows of one worker that has joined.</summary>
/// <param name="worker">Its session.</param>
/// <param name="threads">Shards that it computes at once.</param>
/// <param name="name">Unique among the members.</param>
/// <param name="host">Where it runs, for people.</param>
/// <param name="incarnation">Of its process; null if that is the coordinator's.</param>
internal sealed class Member(SessionId worker, int threads, string name, string host, long? incarnation)
{
    public SessionId Worker => worker;

    public int Threads => threads;

    public string Name => name;

    public string Host => host;

    public long? Incarnation => incarnation;

    public bool IsLocal => incarnation is null;

    /// <summary>Has plan and data, and may get shards.</summary>
    public bool IsReady { get; set; }

    /// <summary>A local worker whose sums were not finite: ready again only if no other worker is left.</summary>
    public bool IsKeptOut { get; set; }

    /// <summary>Had shards pending for too long and has not answered since; gets none for the time being.</summary>
    public bool IsLate { get; set; }

    /// <summary>When a late worker gets another chance without having answered.</summary>
    public Timestamp BackoffUntil { get; set; }

    /// <summary>Has been sent the weights of the current step.</summary>
    public bool HasWeights { get; set; }

    /// <summary>All that was assigned to it in the current step, also if others have to compute it by now.</summary>
    public List<ShardRange> Assigned { get; } = [];

    /// <summary>Missing shards that it has to compute.</summary>
    public int PendingShards { get; set; }

    /// <summary>When it last got shards or last sent a sum.</summary>
    public Timestamp PendingSince { get; set; }

    /// <summary>How fast it was so far.</summary>
    public Pace Pace { get; } = new(threads);

    /// <summary>Whether both are the same process, even if over another connection.</summary>
    public bool IsSameProcess(Member other) =>
        ReferenceEquals(this, other) || (incarnation is not null && incarnation == other.Incarnation);

    /// <summary>Forgets the step that has ended.</summary>
    public void EndStep()
    {
        HasWeights = false;
        Assigned.Clear();
        PendingShards = 0;
    }
}
