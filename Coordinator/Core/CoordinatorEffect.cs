using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>A sum that counts in a step.</summary>
public sealed record AcceptedSum(TreeNode Node, GradientTicket Gradient, double Loss);

/// <summary>How a run ended.</summary>
public enum Outcome
{
    /// <summary>All steps are done.</summary>
    Completed,

    /// <summary>The user stopped it; it can be resumed.</summary>
    Stopped,

    /// <summary>It cannot go on.</summary>
    Failed,
}

/// <summary>Everything that a coordinator can want of its shell. Closed: the constructor is private.</summary>
public abstract record CoordinatorEffect
{
    private CoordinatorEffect()
    {
    }

    /// <summary>Tells the worker that it is in, with the plan.</summary>
    public sealed record Welcome(WorkerId Worker, Term Term) : CoordinatorEffect;

    /// <summary>Tells the worker that it is not in, and closes its link.</summary>
    public sealed record Refuse(WorkerId Worker, Refusal Refusal, string Why) : CoordinatorEffect;

    /// <summary>Answers a heartbeat.</summary>
    public sealed record SendHeartbeat(WorkerId Worker, Term Term) : CoordinatorEffect;

    /// <summary>
    /// Sends the current parameters. Always before the worker's first Assign of the step. The shell may leave it out
    /// if the same parameters are still on their way to the same worker.
    /// </summary>
    public sealed record SendParameters(WorkerId Worker, Term Term, Step Step) : CoordinatorEffect;

    /// <summary>Tells the worker to compute shards.</summary>
    public sealed record Assign(WorkerId Worker, Term Term, Step Step, ShardRange Shards) : CoordinatorEffect;

    /// <summary>
    /// Adds the sums in the order of the tree, does the optimizer's step, and lets the gradients go. Reports
    /// UpdateApplied or UpdateFailed.
    /// </summary>
    /// <param name="Step">The step that ends.</param>
    /// <param name="Sums">From left to right; together they cover every shard exactly once.</param>
    public sealed record ApplyUpdate(Step Step, IReadOnlyList<AcceptedSum> Sums) : CoordinatorEffect;

    /// <summary>Lets a gradient go that was accepted and is not needed.</summary>
    public sealed record Release(GradientTicket Gradient) : CoordinatorEffect;

    /// <summary>Lets a gradient go that does not count; log and count the reason.</summary>
    public sealed record Discard(GradientTicket Gradient, string Why) : CoordinatorEffect;

    /// <summary>
    /// Copies the current parameters and the optimizer's state at once, and writes them beside training. Reports
    /// CheckpointSaved or CheckpointFailed. One at a time.
    /// </summary>
    public sealed record SaveCheckpoint(Step Step, string Why) : CoordinatorEffect;

    /// <summary>Validates the current parameters; training waits. Reports ValidationDone.</summary>
    public sealed record Validate(Step Step) : CoordinatorEffect;

    /// <summary>Closes the link of a worker that the machine has given up.</summary>
    public sealed record DropWorker(WorkerId Worker, string Why) : CoordinatorEffect;

    /// <summary>Tells a worker that it may exit (Finish), and closes its link when that is sent.</summary>
    public sealed record Dismiss(WorkerId Worker, string Why) : CoordinatorEffect;

    /// <summary>The run is over; nothing follows.</summary>
    public sealed record Finish(Outcome Outcome, string Why) : CoordinatorEffect;
}
