using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Tests.Http;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tests.Actors;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>The coordinator's actor between workers and children that are probes; time is virtual.</summary>
public sealed class CoordinatorActorTests()
    : TestKit(VirtualScheduler.Settings.WithFallback(ActorSystems.Settings()))
{
    private readonly TrainingJob _job = TinyJob.Create();

    [Fact]
    public async Task Run_OneWorker_AssignsCollectsAveragesStepsAndBroadcasts()
    {
        TestProbe journal = CreateTestProbe();
        await using RunActors actors = await StartAsync(TinyJob.Settings(_job, Forward(journal)));
        TestProbe worker = await JoinAsync(actors);
        for (int step = 0; step < 3; step++)
        {
            CoordinatorMessage.Weights weights = await worker.ExpectMsgAsync<CoordinatorMessage.Weights>();
            Assert.Equal(new Step(step), weights.Step);
            weights.Release();
            CoordinatorMessage.Assign assign = await worker.ExpectMsgAsync<CoordinatorMessage.Assign>();
            Assert.Equal(new ShardRange(0, 4), assign.Shards);
            actors.Coordinator.Tell(Sum(step, 0), worker);
            Assert.Equal(step + 1, (await journal.FishForMessageAsync(message => message is JournalActor.Steps))
                is JournalActor.Steps { Results: [var result] } ? result.Steps : -1);
        }

        await worker.ExpectMsgAsync<CoordinatorMessage.Finish>();
        Assert.Equal(Outcome.Completed, (await actors.Finished).Outcome);
        Assert.Equal(0, _job.Gradients.Outstanding);
    }

    /// <summary>What the outside knows of the machine, it knows by messages.</summary>
    [Fact]
    public async Task WorkersReady_JoinsAndIsSilentForTooLong_IsAMessageToTheJournal()
    {
        TestProbe journal = CreateTestProbe();
        await using RunActors actors = await StartAsync(TinyJob.Settings(_job, Forward(journal)));
        TestProbe worker = await JoinAsync(actors);
        object told = await journal.FishForMessageAsync(message => message is JournalActor.Workers { Count: 1 });
        actors.Coordinator.Tell(new JournalActor.Taken(told), journal);
        (await worker.ExpectMsgAsync<CoordinatorMessage.Weights>()).Release();

        // Second by second: a clock that jumps is a pause of our own, and forgiven.
        VirtualScheduler clock = (VirtualScheduler)Sys.Scheduler;
        for (int second = 0; second < 10; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await actors.Coordinator.Ask<ActorIdentity>(new Identify(second));
        }

        await journal.FishForMessageAsync(message => message is JournalActor.Workers { Count: 0 });
    }

    /// <summary>A run that is over at once, as one that is resumed at its end, still starts its workers.</summary>
    [Fact]
    public async Task LocalWorker_StartedWhenTheRunIsOver_IsNoFault()
    {
        using RunMetrics metrics = new(TimeProvider.System);
        await using RunActors actors = await StartAsync(TinyJob.Settings(_job, Forward(CreateTestProbe())) with
        {
            Metrics = metrics,
            First = new Step(_job.Schedule.StepsTotal),
            LocalWorker = (_, _, _) => Forward(CreateTestProbe()),
        });
        Assert.Equal(Outcome.Completed, (await actors.Finished).Outcome);
        await actors.StartWorkerAsync(1);
        Assert.True(actors.Finished.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Worker_ComputesAndGoes_IsShownUntilThen()
    {
        using RunMetrics metrics = new(TimeProvider.System);
        await using RunActors actors = await StartAsync(
            TinyJob.Settings(_job, Forward(CreateTestProbe())) with { Metrics = metrics });
        TestProbe worker = await JoinAsync(actors);
        (await worker.ExpectMsgAsync<CoordinatorMessage.Weights>()).Release();
        actors.Coordinator.Tell(Sum(0, 0), worker);
        await worker.FishForMessageAsync(message => message is CoordinatorMessage.Assign { Step.Value: 1 });
        Assert.Equal(4, RunMetricsTests.Read(metrics)["distributed.worker.shards{probe}"]);
        actors.Coordinator.Tell(new CoordinatorActor.Closed(worker, "test"));
        await actors.Coordinator.Ask<ActorIdentity>(new Identify(0));
        Assert.DoesNotContain("distributed.worker.shards{probe}", RunMetricsTests.Read(metrics).Keys);
    }

    [Fact]
    public async Task Child_Throws_EndsTheRunAndIsNamedWithItsFault()
    {
        Props journal = ActorProps.Of(() => new Faulty(new InvariantException("The journal can write.")));
        await using RunActors actors = await StartAsync(TinyJob.Settings(_job, journal));
        actors.Note("anything");
        ActorFailedException failure = await Assert.ThrowsAsync<ActorFailedException>(() => actors.Finished);
        Assert.Equal("journal", failure.Name);
        Assert.IsType<InvariantException>(failure.InnerException);
    }

    [Fact]
    public async Task Machine_ThrowsInvariantException_EndsTheRunAndNamesTheCoordinator()
    {
        await using RunActors actors = await StartAsync(TinyJob.Settings(_job, Forward(CreateTestProbe())));
        actors.Coordinator.Tell(new CoordinatorReport.Stepped(new Step(0)));
        ActorFailedException failure = await Assert.ThrowsAsync<ActorFailedException>(() => actors.Finished);
        Assert.Equal("coordinator", failure.Name);
        Assert.Contains("only when asked for one", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// A gradient that is not finite ends the run when it was computed once more, and at once if that shows only in the
    /// total; nothing of the step is kept.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sum_IsNotFinite_FailsTheStepAndKeepsTheWeights(bool isFound)
    {
        CoordinatorSettings settings = TinyJob.Settings(_job, Forward(CreateTestProbe()));
        PooledBuffer weights = settings.State.Parameters;
        await using RunActors actors = await StartAsync(settings);
        TestProbe worker = await JoinAsync(actors);
        (await worker.ExpectMsgAsync<CoordinatorMessage.Weights>()).Release();
        actors.Coordinator.Tell(Sum(step: 0, float.NaN) with { IsFinite = !isFound }, worker);
        if (isFound)
        {
            actors.Coordinator.Tell(Sum(step: 0, float.NaN) with { IsFinite = false }, worker);
        }

        CoordinatorOrder.Finish finish = await actors.Finished;
        Assert.Equal(Outcome.Failed, finish.Outcome);
        Assert.StartsWith("step 1: the loss is", finish.Why, StringComparison.Ordinal);
        Assert.EndsWith("is not finite, in samples 1 to 20 of epoch 1.", finish.Why, StringComparison.Ordinal);
        Assert.Same(weights, settings.State.Parameters);
        Assert.Equal(0, _job.Gradients.Outstanding);
    }

    /// <summary>
    /// Goal: what waits for a disk or a terminal that stands still has a bound, and nothing is lost. Method: a journal
    /// that takes nothing, and has room for two steps; then it takes one.
    /// </summary>
    [Fact]
    public async Task JournalThatStandsStill_MakesTrainingWait()
    {
        TestProbe journal = CreateTestProbe();
        await using RunActors actors = await StartAsync(
            TinyJob.Settings(_job, Forward(journal)) with { JournalRecordsMax = 2 });
        TestProbe worker = await JoinAsync(actors);
        for (int step = 0; step < 2; step++)
        {
            (await worker.ExpectMsgAsync<CoordinatorMessage.Weights>()).Release();
            await worker.ExpectMsgAsync<CoordinatorMessage.Assign>();
            actors.Coordinator.Tell(Sum(step, 0), worker);
        }

        object first = await journal.FishForMessageAsync(message => message is JournalActor.Steps);
        await journal.FishForMessageAsync(message => message is JournalActor.Steps);
        await actors.Coordinator.Ask<ActorIdentity>(new Identify(0));
        Assert.False(worker.HasMessages);
        actors.Coordinator.Tell(new JournalActor.Taken(first), journal);
        CoordinatorMessage.Weights next = await worker.ExpectMsgAsync<CoordinatorMessage.Weights>();
        Assert.Equal(new Step(2), next.Step);
        next.Release();
    }

    private async Task<RunActors> StartAsync(CoordinatorSettings settings) => await RunActors.StartAsync(Sys, settings);

    private static Props Forward(TestProbe probe) => ActorProps.Of(() => new Forwarding(probe));

    private async Task<TestProbe> JoinAsync(RunActors actors)
    {
        TestProbe worker = CreateTestProbe();
        actors.Coordinator.Tell(new WorkerMessage.Join("probe", "1", "n", 1, 7), worker);
        CoordinatorMessage.Welcome welcome = await worker.ExpectMsgAsync<CoordinatorMessage.Welcome>();
        actors.Coordinator.Tell(new WorkerMessage.Ready(welcome.Term), worker);
        return worker;
    }

    private WorkerMessage.GradientSum Sum(int step, float value)
    {
        PooledBuffer gradient = _job.Gradients.Rent();
        gradient.Values.Span.Fill(value);
        return new WorkerMessage.GradientSum(
            new Term(1), new Step(step), new TreeNode(2, 0), 4, Loss: 1, TimeSpan.Zero) { Payload = gradient };
    }

    private sealed class Forwarding(IActorRef target) : UntypedActor
    {
        protected override void OnReceive(object message) => target.Forward(message);
    }

    private sealed class Faulty(Exception fault) : UntypedActor
    {
        protected override void OnReceive(object message) => throw fault;
    }
}
