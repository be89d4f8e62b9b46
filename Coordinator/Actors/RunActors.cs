using Akka.Actor;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Runs;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Actors;

/// <summary>The actors of one life of a run, as the rest of the program sees them.</summary>
internal sealed class RunActors : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patienceAfterFault = TimeSpan.FromSeconds(1);

    private readonly IActorRef _root;
    private readonly Task _failed;

    private RunActors(IActorRef root, IActorRef coordinator, CoordinatorSettings settings)
    {
        _root = root;
        _failed = settings.Failed.Task;
        Coordinator = coordinator;
        Finished = settings.Finished.Task;
        Fail = settings.OnFailure;
    }

    /// <summary>The coordinator's actor.</summary>
    public IActorRef Coordinator { get; }

    /// <summary>How the run ended; or what failed.</summary>
    public Task<CoordinatorOrder.Finish> Finished { get; }

    /// <summary>Ends the run with a fault from outside the actors.</summary>
    public Action<Exception> Fail { get; }

    /// <summary>Starts them; the run begins when there are workers.</summary>
    /// <param name="system">Where they live; for the caller to end.</param>
    /// <param name="settings">What the coordinator is made of.</param>
    public static async Task<RunActors> StartAsync(ActorSystem system, CoordinatorSettings settings)
    {
        IActorRef root = system.ActorOf(ActorProps.Of(() => new RootActor(settings.OnFailure)), "run");
        Props coordinator = ActorProps.Of(() => new CoordinatorActor(settings))
            .WithDispatcher(ActorSystems.TrainingDispatcher);
        return new RunActors(
            root, await root.Ask<IActorRef>(new RootActor.Start(coordinator, "coordinator")), settings);
    }

    /// <summary>Starts a worker of this process.</summary>
    public Task<IActorRef> StartWorkerAsync(int threads) =>
        AskAsync<IActorRef>(new CoordinatorActor.StartWorker(threads));

    /// <summary>A line for people.</summary>
    public void Note(string line) => Coordinator.Tell(new JournalActor.Note(line));

    /// <summary>Ends after the current step, with a checkpoint; for all workers, or until the run goes on.</summary>
    public void Stop(bool forAll) => Coordinator.Tell(new CoordinatorReport.StopRequested(forAll));

    /// <summary>Writes out the records of a run that has ended: what its steps came to.</summary>
    public Task<TrainRecord> EndAsync() => AskAsync<TrainRecord>(new JournalActor.End());

    /// <summary>
    /// Stops all actors. Workers' threads have ended and every buffer is back when this returns; unless a validation
    /// takes longer than anybody waits for, which ends with the process.
    /// </summary>
    public async ValueTask DisposeAsync() =>
        await _root.GracefulStop(Finished.IsFaulted ? s_patienceAfterFault : s_patience);

    /// <summary>An answer, or the failure that keeps it from coming.</summary>
    private async Task<T> AskAsync<T>(object question)
    {
        Task<T> answer = Coordinator.Ask<T>(question);
        await await Task.WhenAny(answer, _failed);
        return await answer;
    }
}
