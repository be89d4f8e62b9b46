using Distributed.Protocol.Messages;

namespace Distributed.Worker.Core;

/// <summary>What a worker's shell has seen or done, beside messages. Closed: the constructor is private.</summary>
public abstract record WorkerReport
{
    private WorkerReport()
    {
    }

    /// <summary>The process is up and looks for a coordinator. Comes first, and once.</summary>
    public sealed record Started : WorkerReport;

    /// <summary>
    /// The coordinator of the same process has started this worker, with model and data: it is in and ready. Comes
    /// first, and once, instead of <see cref="Started"/>.
    /// </summary>
    public sealed record Engaged(Term Term, SessionId Worker) : WorkerReport;

    /// <summary>There is a connection to the coordinator.</summary>
    public sealed record Connected : WorkerReport;

    /// <summary>The connection closed, or could not be made.</summary>
    public sealed record ConnectionLost(string Why) : WorkerReport;

    /// <summary>The coordinator will never let this process in (token, version); said before there is one.</summary>
    public sealed record Refused(Refusal Refusal, string Why) : WorkerReport;

    /// <summary>Model and data of the plan are here.</summary>
    public sealed record Prepared(Term Term) : WorkerReport;

    /// <summary>What the plan asks cannot be done here, which may turn out long after it was prepared.</summary>
    /// <param name="Term">Of the plan.</param>
    /// <param name="Why">The fault of data, model or disk.</param>
    /// <param name="IsDiskFull">Whether there is no room for the data.</param>
    public sealed record PrepareFailed(Term Term, string Why, bool IsDiskFull = false) : WorkerReport;

    /// <summary>Bytes of a message of the coordinator that is not whole yet.</summary>
    public sealed record CoordinatorHeard : WorkerReport;

    /// <summary>The compute threads have the sum of a complete node; as it is to be sent.</summary>
    public sealed record SumCompleted(WorkerMessage.GradientSum Sum) : WorkerReport;

    /// <summary>The user wants this worker to go in good order.</summary>
    public sealed record DrainRequested : WorkerReport;

    /// <summary>The deadline passed.</summary>
    public sealed record Tick : WorkerReport;
}
