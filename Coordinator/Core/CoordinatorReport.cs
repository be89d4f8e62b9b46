using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>What a coordinator's shell has seen or done, beside messages. Closed: the constructor is private.</summary>
public abstract record CoordinatorReport
{
    private CoordinatorReport()
    {
    }

    /// <summary>The shell is ready: weights are loaded. Comes first, and once.</summary>
    public sealed record Started : CoordinatorReport;

    /// <summary>
    /// A worker of this process is there, with model and data: it may get shards. Nothing is asked of it; it lasts as
    /// long as the process, and sends no heartbeats.
    /// </summary>
    public sealed record WorkerStarted(SessionId Worker, int Threads) : CoordinatorReport;

    /// <summary>Bytes of a message that is not whole yet.</summary>
    public sealed record WorkerHeard(SessionId Worker) : CoordinatorReport;

    /// <summary>A worker's connection closed, or it broke the protocol.</summary>
    public sealed record WorkerLost(SessionId Worker, string Why) : CoordinatorReport;

    /// <summary>The shell has averaged and done the optimizer's step; the new weights can be sent.</summary>
    public sealed record Stepped(Step Step) : CoordinatorReport;

    /// <summary>The step cannot be done; step and samples are added to the reason.</summary>
    public sealed record StepFailed(Step Step, string Why) : CoordinatorReport;

    /// <summary>The weights of this step are validated.</summary>
    public sealed record Validated(Step Step) : CoordinatorReport;

    /// <summary>The checkpoint of this step is on disk, verified.</summary>
    public sealed record Saved(Step Step) : CoordinatorReport;

    /// <summary>The checkpoint of this step could not be written.</summary>
    public sealed record SaveFailed(Step Step, string Why) : CoordinatorReport;

    /// <summary>The user wants to end after the current step.</summary>
    /// <param name="ForAll">Whether the run ends for its workers too; else they wait for it to be resumed.</param>
    public sealed record StopRequested(bool ForAll) : CoordinatorReport;

    /// <summary>The deadline passed.</summary>
    public sealed record Tick : CoordinatorReport;
}
