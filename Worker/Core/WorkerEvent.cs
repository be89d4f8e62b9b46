using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Core;

/// <summary>Everything that can happen to a worker. Closed: the constructor is private.</summary>
public abstract record WorkerEvent
{
    private WorkerEvent()
    {
    }

    /// <summary>The process is up. Comes first, and once.</summary>
    public sealed record Started : WorkerEvent;

    /// <summary>There is a link to the coordinator.</summary>
    public sealed record Connected : WorkerEvent;

    /// <summary>The link closed, or could not be made.</summary>
    public sealed record ConnectionLost(string Why) : WorkerEvent;

    /// <summary>The coordinator will never let this process in (token, version).</summary>
    public sealed record Refused(Refusal Refusal, string Why) : WorkerEvent;

    /// <summary>The coordinator took this worker in.</summary>
    public sealed record Welcomed(Term Term, WorkerId Worker, string Plan, TimeSpan HeartbeatInterval) : WorkerEvent;

    /// <summary>The shell has model and data of the plan.</summary>
    public sealed record Prepared(Term Term) : WorkerEvent;

    /// <summary>The shell cannot do what the plan asks.</summary>
    public sealed record PrepareFailed(Term Term, string Why) : WorkerEvent;

    /// <summary>Any sign of life of the coordinator: a heartbeat, bytes of a message.</summary>
    public sealed record CoordinatorHeard : WorkerEvent;

    /// <summary>The parameters of a step are whole and in memory.</summary>
    public sealed record ParametersArrived(Term Term, Step Step, ParametersTicket Parameters) : WorkerEvent;

    /// <summary>Shards to compute.</summary>
    public sealed record Assigned(Term Term, Step Step, ShardRange Shards) : WorkerEvent;

    /// <summary>The compute threads have the sum of a complete node.</summary>
    public sealed record SumReady(
        Term Term, Step Step, TreeNode Node, int ShardCount, double Loss, GradientTicket Gradient) : WorkerEvent;

    /// <summary>The coordinator needs this worker no more.</summary>
    public sealed record Finished(string Why) : WorkerEvent;

    /// <summary>The user wants this worker to go in good order.</summary>
    public sealed record DrainRequested : WorkerEvent;

    /// <summary>The deadline passed.</summary>
    public sealed record Tick : WorkerEvent;
}
