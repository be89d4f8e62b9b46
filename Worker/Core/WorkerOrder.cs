using System.Buffers;
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

    /// <summary>There is no room for the plan's data here.</summary>
    DiskFull,
}

/// <summary>Everything that a worker's machine can want of its shell. Closed: the constructor is private.</summary>
public abstract record WorkerOrder
{
    private WorkerOrder()
    {
    }

    /// <summary>Makes a connection to the coordinator. Reports Connected, ConnectionLost or Refused.</summary>
    public sealed record Connect : WorkerOrder;

    /// <summary>Closes the connection without a report.</summary>
    public sealed record Disconnect(string Why) : WorkerOrder;

    /// <summary>Sends a message to the coordinator, with its payload.</summary>
    public sealed record Send(WorkerMessage Message) : WorkerOrder;

    /// <summary>Gets model and data of the plan ready. Reports Prepared or PrepareFailed.</summary>
    public sealed record Prepare(Term Term, string Plan) : WorkerOrder;

    /// <summary>
    /// Gives the replica the weights of a step. They stay held until the next BeginStep or CancelStep.
    /// </summary>
    public sealed record BeginStep(CoordinatorMessage.Weights Weights) : WorkerOrder;

    /// <summary>
    /// Computes shards of the step begun last; one SumCompleted for each maximal node of the range.
    /// </summary>
    public sealed record ComputeShards(Step Step, ShardRange Shards) : WorkerOrder;

    /// <summary>
    /// Gives up the step begun last, after the shards at hand; sums that come all the same are released.
    /// </summary>
    public sealed record CancelStep(Step Step) : WorkerOrder;

    /// <summary>Releases a payload that is not needed.</summary>
    public sealed record Release(IMemoryOwner<float> Payload) : WorkerOrder;

    /// <summary>Ends the worker; nothing follows.</summary>
    public sealed record Exit(WorkerOutcome Outcome, string Why) : WorkerOrder;
}
