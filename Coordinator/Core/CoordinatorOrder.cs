using System.Buffers;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

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

/// <summary>What a coordinator's machine can want of its shell. Closed: the constructor is private.</summary>
public abstract record CoordinatorOrder
{
    private CoordinatorOrder()
    {
    }

    /// <summary>
    /// Sends a message to a worker. Weights get the current ones as their payload, and come before the worker's first
    /// Assign of a step; they may be left out if the same are still on their way to the same worker.
    /// </summary>
    public sealed record Send(SessionId To, CoordinatorMessage Message) : CoordinatorOrder;

    /// <summary>Closes the connection of a worker that is no member any more, after what was sent.</summary>
    public sealed record Close(SessionId Worker, string Why) : CoordinatorOrder;

    /// <summary>
    /// Adds the sums in the order of the tree, divides by the number of samples or elements, does the optimizer's step,
    /// and releases the gradients. Reports Stepped or StepFailed.
    /// </summary>
    /// <param name="Step">The step that ends.</param>
    /// <param name="Sums">From left to right; together they cover every shard exactly once.</param>
    public sealed record AverageAndStep(Step Step, IReadOnlyList<WorkerMessage.GradientSum> Sums) : CoordinatorOrder;

    /// <summary>Releases a gradient that was accepted and is not needed, or does not count.</summary>
    /// <param name="Gradient">The payload of a sum.</param>
    /// <param name="Why">Why it does not count.</param>
    public sealed record Release(IMemoryOwner<float> Gradient, string Why) : CoordinatorOrder;

    /// <summary>
    /// Copies the current weights and the optimizer's state at once, and writes them beside training. Reports Saved or
    /// SaveFailed. One at a time.
    /// </summary>
    public sealed record Save(Step Step, string Why) : CoordinatorOrder;

    /// <summary>Validates the current weights; training waits. Reports Validated.</summary>
    public sealed record Validate(Step Step) : CoordinatorOrder;

    /// <summary>Tells people about workers: who comes, who goes, who is missing.</summary>
    /// <param name="Line">A whole line, safe to print.</param>
    public sealed record Announce(string Line) : CoordinatorOrder;

    /// <summary>The run is over; nothing follows.</summary>
    public sealed record Finish(Outcome Outcome, string Why) : CoordinatorOrder;
}
