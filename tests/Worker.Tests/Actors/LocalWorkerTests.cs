using Akka.Actor;
using Distributed.Framework.Data;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Compute;
using Distributed.Worker.Core;

namespace Distributed.Worker.Tests.Actors;

/// <summary>A worker in the coordinator's process, whom the test plays.</summary>
public sealed class LocalWorkerTests : ActorTest
{
    private static readonly Term s_term = new(1);

    private readonly TrainingJob _job = TestJob.Create();
    private readonly BufferPool _weights;
    private readonly ComputeCounters _counters = new();
    private readonly TaskCompletionSource<WorkerOrder.Exit> _ended = new();

    public LocalWorkerTests() => _weights = new BufferPool(_job.Gradients.Length);

    [Fact]
    public void Step_Assigned_IsAnsweredWithSumsOfAllShards()
    {
        IActorRef worker = StartWorker(_job, TestActor);
        for (int step = 0; step < 5; step++)
        {
            BeginStep(worker, step);
            for (int shards = 0; shards < TestJob.ShardCount;)
            {
                WorkerMessage.GradientSum sum = ExpectMsg<WorkerMessage.GradientSum>(Patience);
                Assert.Equal(worker, LastSender);
                Assert.Equal((s_term, new Step(step)), (sum.Term, sum.Step));
                Assert.Equal(_job.Gradients.Length, sum.Payload!.Memory.Length);
                Assert.True(sum.Loss > 0);
                Assert.True(sum.IsFinite);
                Assert.True(sum.Compute >= TimeSpan.Zero);
                shards += sum.ShardCount;
                sum.Release();
            }
        }

        worker.Tell(WorkerActor.Drain.Instance);
        Assert.Equal(new WorkerMessage.Leave(s_term), ExpectMsg<WorkerMessage.Leave>(Patience));
        worker.Tell(new CoordinatorMessage.Finish("left"));
        ExpectEnd(worker, "left");
        Assert.True(_counters.AllocatedBytes > 0);
    }

    [Fact]
    public void Weights_AreNotFinite_SumSaysThatItIsNot()
    {
        IActorRef worker = StartWorker(_job, TestActor);
        PooledBuffer weights = TestJob.Weights(_weights);
        weights.Values.Span.Fill(float.NaN);
        worker.Tell(new CoordinatorMessage.Weights(s_term, new Step(0)) { Payload = weights }, TestActor);
        worker.Tell(new CoordinatorMessage.Assign(s_term, new Step(0), new ShardRange(0, 1)), TestActor);
        WorkerMessage.GradientSum sum = ExpectMsg<WorkerMessage.GradientSum>(Patience);
        Assert.False(sum.IsFinite);
        sum.Release();
    }

    /// <summary>
    /// Goal: waking the actor allocates nothing on compute threads. Method: after some steps the count rises no more.
    /// </summary>
    [Fact]
    public void Steps_AfterTheFirst_AllocateNothingOnComputeThreads()
    {
        IActorRef worker = StartWorker(_job, TestActor);
        List<long> allocated = [];
        for (int step = 0; step < 200; step++)
        {
            BeginStep(worker, step);
            for (int shards = 0; shards < TestJob.ShardCount;)
            {
                WorkerMessage.GradientSum sum = ExpectMsg<WorkerMessage.GradientSum>(Patience);
                shards += sum.ShardCount;
                sum.Release();
            }

            allocated.Add(_counters.AllocatedBytes);
        }

        Assert.True(allocated[^1] == allocated[40], string.Join(' ', allocated));
    }

    /// <summary>The weights that come behind are released too: the coordinator cannot know yet.</summary>
    [Fact]
    public void Kill_InMidStep_GivesEverythingBack()
    {
        for (int i = 0; i < 10; i++)
        {
            IActorRef worker = StartWorker(_job, TestActor, $"w{i}");
            BeginStep(worker, 0);
            Thread.SpinWait(i * 200_000);
            worker.Tell(WorkerActor.Kill.Instance);
            BeginStep(worker, 1);
            ExpectEnd(worker, i == 0 ? "killed" : null);
            BeginStep(worker, 2);
            AssertAllReleased();
        }
    }

    [Fact]
    public void Drain_InMidStep_GivesEverythingBack()
    {
        IActorRef worker = StartWorker(_job, TestActor);
        BeginStep(worker, 0);
        worker.Tell(WorkerActor.Drain.Instance);
        BeginStep(worker, 1);
        FishForMessage(message => message is WorkerMessage.Leave || Release(message), Patience);
        Time.Advance(TimeSpan.FromSeconds(3));
        ExpectEnd(worker, "drained, without an answer");
        AssertAllReleased();
    }

    [Fact]
    public void Coordinator_Ends_WorkerEndsToo()
    {
        IActorRef coordinator = Sys.ActorOf(BlackHoleProps);
        IActorRef worker = StartWorker(_job, coordinator);
        BeginStep(worker, 0);
        coordinator.Tell(PoisonPill.Instance);
        ExpectEnd(worker, "the coordinator has ended");
    }

    [Fact]
    public async Task ComputeThread_Throws_WorkerFailsWithItsException()
    {
        TrainingJob job = new(TestJob.Configuration, new FaultySource());
        IActorRef worker = StartWorker(job, TestActor, "lab-7");
        BeginStep(worker, 0);
        ActorFailedException failure = await Read(Failures);
        Assert.Equal("lab-7", failure.Name);
        InvariantException cause = Assert.IsType<InvariantException>(failure.InnerException);
        Assert.Contains(nameof(FaultySource), cause.StackTrace, StringComparison.Ordinal);
        ExpectTerminated(worker, Patience);
        Assert.Equal(0, _weights.Outstanding);
    }

    private static Props BlackHoleProps => Props.Create(() => new Akka.TestKit.TestActors.BlackHoleActor());

    private static bool Release(object message)
    {
        (message as IReleasable)?.Release();
        return false;
    }

    private IActorRef StartWorker(TrainingJob job, IActorRef coordinator, string name = "w") => Start(
        WorkerActor.Local(coordinator, job, s_term, new SessionId(1), name, threads: 2, _counters, _ended), name);

    private void BeginStep(IActorRef worker, int step)
    {
        worker.Tell(
            new CoordinatorMessage.Weights(s_term, new Step(step)) { Payload = TestJob.Weights(_weights) }, TestActor);
        ShardRange shards = new(0, TestJob.ShardCount);
        worker.Tell(new CoordinatorMessage.Assign(s_term, new Step(step), shards), TestActor);
    }

    private void ExpectEnd(IActorRef worker, string? why)
    {
        FishForMessage(
            message => message is Terminated ended ? ended.ActorRef.Equals(worker) : Release(message), Patience);
        if (why is not null)
        {
            Assert.Equal(new WorkerOrder.Exit(WorkerOutcome.Done, why), _ended.Task.Result);
        }
    }

    private void AssertAllReleased()
    {
        Assert.Equal(0, _job.Gradients.Outstanding);
        Assert.Equal(0, _weights.Outstanding);
    }

    private sealed class FaultySource : PairSource
    {
        private readonly PairSource _source = TestJob.Source;

        public override int Count => _source.Count;

        public override ImageShape Shape => _source.Shape;

        public override bool HasCleanTargets => false;

        public override string ContentHash => _source.ContentHash;

        public override void Read(int index, int epoch, Span<float> input, Span<float> target) =>
            throw new InvariantException("The test says so.");
    }
}
