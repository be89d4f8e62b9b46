using Akka.Actor;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Coordinator.Actors;

/// <summary>What a coordinator is made of.</summary>
internal sealed record CoordinatorSettings
{
    /// <summary>Name of the run's folder.</summary>
    public string Run { get; init; } = "";

    /// <summary>What is trained.</summary>
    public required TrainingJob Job { get; init; }

    /// <summary>Weights and optimizer; the actor's own while it lives.</summary>
    public required TrainingState State { get; init; }

    /// <summary>Which life of the coordinator this is.</summary>
    public required Term Term { get; init; }

    /// <summary>Updates that the weights contain.</summary>
    public required Step First { get; init; }

    /// <summary>The machine's bounds.</summary>
    public required CoordinatorOptions Options { get; init; }

    /// <summary>Told how the run ended.</summary>
    public TaskCompletionSource<CoordinatorOrder.Finish> Finished { get; } =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Fails when an actor does, also after the end of the run.</summary>
    public TaskCompletionSource Failed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A failed actor, whichever, ends the run.</summary>
    public Action<Exception> OnFailure => failure =>
    {
        Failed.TrySetException(failure);
        Finished.TrySetException(failure);
    };

    /// <summary>Records and shows.</summary>
    public required Props Journal { get; init; }

    /// <summary>Writes checkpoints; null to keep none.</summary>
    public Props? Checkpoints { get; init; }

    /// <summary>Validates; null if there is nothing to validate with.</summary>
    public Props? Evaluation { get; init; }

    /// <summary>Hands out the training data; null if nobody needs them.</summary>
    public Props? DataSet { get; init; }

    /// <summary>Makes a worker of this process: its coordinator, number and threads.</summary>
    public Func<IActorRef, SessionId, int, Props>? LocalWorker { get; init; }

    /// <summary>Shows what each worker does; null for nobody.</summary>
    public RunMetrics? Metrics { get; init; }

    /// <summary>What channels have moved; they count.</summary>
    public ChannelTraffic Traffic { get; init; } = new();

    /// <summary>Called when a user asks over the network to end the run for all.</summary>
    public Action OnStopRequest { get; init; } = () => { };

    /// <summary>Least time between two reports to the journal: the steps of a small model are shorter.</summary>
    public TimeSpan JournalInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Steps on their way to the journal with which training waits for it: some 2 MB.</summary>
    public int JournalRecordsMax { get; init; } = 10_000;
}
