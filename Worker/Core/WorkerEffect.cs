using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Core;

/// <summary>Why a worker ends; the shell turns it into the exit code.</summary>
public enum WorkerOutcome
{
    /// <summary>The run is finished, or the worker drained.</summary>
    Done,

    /// <summary>Refused, or no coordinator for too long.</summary>
    CannotJoin,

    /// <summary>The coordinator runs another version of the program or of its arithmetic.</summary>
    VersionMismatch,

    /// <summary>The plan cannot be done here.</summary>
    Failed,
}

/// <summary>Everything that a worker can want of its shell. Closed: the constructor is private.</summary>
public abstract record WorkerEffect
{
    private WorkerEffect()
    {
    }

    /// <summary>Makes a link to the coordinator. Reports Connected or ConnectionLost.</summary>
    public sealed record Connect : WorkerEffect;

    /// <summary>Closes the link without a report.</summary>
    public sealed record Disconnect(string Why) : WorkerEffect;

    /// <summary>Asks to take part; the shell knows name, version, numerics and threads.</summary>
    public sealed record SendJoin : WorkerEffect;

    /// <summary>Gets model and data of the plan ready, from before if the plan is the same. Reports Prepared.</summary>
    public sealed record Prepare(Term Term, string Plan) : WorkerEffect;

    /// <summary>Says that shards may come.</summary>
    public sealed record SendReady(Term Term) : WorkerEffect;

    /// <summary>A sign of life, wants an answer.</summary>
    public sealed record SendHeartbeat(Term Term, bool IsReady) : WorkerEffect;

    /// <summary>
    /// Hands the parameters of a step to the replica. They stay held until the next BeginStep or CancelStep, and all
    /// work orders are done in order.
    /// </summary>
    public sealed record BeginStep(Term Term, Step Step, ParametersTicket Parameters) : WorkerEffect;

    /// <summary>Computes shards of the step begun last; one SumReady for each maximal node of the range.</summary>
    public sealed record ComputeShards(Term Term, Step Step, ShardRange Shards) : WorkerEffect;

    /// <summary>
    /// Gives up the step begun last, after the shards at hand; sums that come all the same are let go.
    /// </summary>
    public sealed record CancelStep(Term Term, Step Step) : WorkerEffect;

    /// <summary>Sends a sum, then lets its gradient go.</summary>
    public sealed record SendSum(
        Term Term, Step Step, TreeNode Node, int ShardCount, double Loss, GradientTicket Gradient) : WorkerEffect;

    /// <summary>Says that this worker goes.</summary>
    public sealed record SendLeave(Term Term) : WorkerEffect;

    /// <summary>Lets a gradient go that nobody needs.</summary>
    public sealed record Release(GradientTicket Gradient) : WorkerEffect;

    /// <summary>Lets parameters go that nobody needs.</summary>
    public sealed record ReleaseParameters(ParametersTicket Parameters) : WorkerEffect;

    /// <summary>Ends the worker; nothing follows.</summary>
    public sealed record Exit(WorkerOutcome Outcome, string Why) : WorkerEffect;
}
