using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>Everything that can happen to a coordinator. Closed: the constructor is private.</summary>
public abstract record CoordinatorEvent
{
    private CoordinatorEvent()
    {
    }

    /// <summary>The shell is ready: parameters are loaded. Comes first, and once.</summary>
    public sealed record Started : CoordinatorEvent;

    /// <summary>A worker process asks to take part.</summary>
    public sealed record WorkerJoined(WorkerId Worker, string Name, string Version, string Numerics, int Threads)
        : CoordinatorEvent;

    /// <summary>A welcomed worker has plan and data, and may get shards.</summary>
    public sealed record WorkerReady(WorkerId Worker) : CoordinatorEvent;

    /// <summary>A worker's heartbeat, which wants an answer.</summary>
    public sealed record HeartbeatArrived(WorkerId Worker, bool IsReady) : CoordinatorEvent;

    /// <summary>Any other sign of life: bytes of a message that is not complete yet.</summary>
    public sealed record WorkerHeard(WorkerId Worker) : CoordinatorEvent;

    /// <summary>The gradient of one complete node is whole and in memory, its shape checked.</summary>
    public sealed record PartialSumArrived(
        WorkerId Worker,
        Term Term,
        Step Step,
        TreeNode Node,
        int ShardCount,
        double Loss,
        GradientTicket Gradient) : CoordinatorEvent;

    /// <summary>A worker goes in good order.</summary>
    public sealed record WorkerLeft(WorkerId Worker) : CoordinatorEvent;

    /// <summary>A worker's link closed, or it broke the protocol.</summary>
    public sealed record WorkerLost(WorkerId Worker, string Why) : CoordinatorEvent;

    /// <summary>The shell has done the update of this step; the new parameters can be sent.</summary>
    public sealed record UpdateApplied(Step Step) : CoordinatorEvent;

    /// <summary>The update of this step cannot be done.</summary>
    public sealed record UpdateFailed(Step Step, string Why) : CoordinatorEvent;

    /// <summary>The parameters of this step are validated.</summary>
    public sealed record ValidationDone(Step Step) : CoordinatorEvent;

    /// <summary>The checkpoint of this step is on disk, verified.</summary>
    public sealed record CheckpointSaved(Step Step) : CoordinatorEvent;

    /// <summary>The checkpoint of this step could not be written.</summary>
    public sealed record CheckpointFailed(Step Step, string Why) : CoordinatorEvent;

    /// <summary>The user wants to end after the current step.</summary>
    public sealed record StopRequested : CoordinatorEvent;

    /// <summary>The deadline passed.</summary>
    public sealed record Tick : CoordinatorEvent;
}
