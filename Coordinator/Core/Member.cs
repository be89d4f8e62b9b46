using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>What the coordinator knows of one worker that has joined.</summary>
internal sealed class Member(SessionId worker, int threads)
{
    public SessionId Worker => worker;

    public int Threads => threads;

    /// <summary>Has plan and data.</summary>
    public bool IsReady { get; set; }

    /// <summary>Owed shards for too long and has not answered since; gets none for the time being.</summary>
    public bool IsLate { get; set; }

    /// <summary>When a late worker gets another chance without having answered.</summary>
    public Timestamp BackoffUntil { get; set; }

    /// <summary>Has been sent the weights of the current step.</summary>
    public bool HasWeights { get; set; }

    /// <summary>All that it was told to compute in the current step, also if others have to do it by now.</summary>
    public List<ShardRange> Assigned { get; } = [];

    /// <summary>Missing shards that it has to compute.</summary>
    public int PendingShards { get; set; }

    /// <summary>When it last got shards or last sent a sum.</summary>
    public Timestamp PendingSince { get; set; }

    /// <summary>Forgets the step that has ended.</summary>
    public void EndStep()
    {
        HasWeights = false;
        Assigned.Clear();
        PendingShards = 0;
    }
}
