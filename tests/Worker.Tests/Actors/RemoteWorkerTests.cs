using Akka.Actor;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.Worker.Tests.Actors;

/// <summary>A worker in a process of its own; the test is the coordinator at the other end of its session.</summary>
public sealed class RemoteWorkerTests : ActorTest
{
    private static readonly string s_plan = TestJob.Configuration.ToJson();

    private readonly PackedData _data = new();
    private readonly FakeConnector _connector = new();
    private readonly List<string> _notes = [];
    private readonly TaskCompletionSource<WorkerOrder.Exit> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Session_OfAnAttemptGivenUp_IsClosedAndUnheard()
    {
        StartWorker(new Jobs(_data.Cache, () => throw new DataException("The test ends here.", "")));
        Attempt given = await Read(_connector.Attempts);
        Attempt taken = await AdvanceUntil(Read(_connector.Attempts)); // The first one took too long.
        FakeSession late = new();
        given.Answer.SetResult(late);
        Assert.Equal("it came too late", await late.Closed.Task.WaitAsync(Patience));

        FakeSession session = await taken.AcceptAsync();
        Payload payload = new();
        given.Handler.OnMessage(new CoordinatorMessage.Finish("not for this worker") { Payload = payload });
        given.Handler.OnClosed("late");
        taken.Welcome(s_plan);

        Assert.IsType<WorkerMessage.Leave>(await Read(session.Sent));
        Assert.Equal(new WorkerOrder.Exit(WorkerOutcome.Failed, "The test ends here."), await Ended());
        Assert.True(payload.IsDisposed);
        Assert.False(_connector.Attempts.Reader.TryRead(out _));
        Assert.False(late.Sent.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Session_MadeAfterTheEnd_IsClosed()
    {
        IActorRef worker = StartWorker();
        Attempt attempt = await Read(_connector.Attempts);
        worker.Tell(WorkerActor.Kill.Instance);
        ExpectTerminated(worker, Patience);
        FakeSession late = new();
        attempt.Answer.SetResult(late);
        Assert.Equal("it came too late", await late.Closed.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task NoCoordinator_ForTooLong_SaysWhyTheLastAttemptFailed()
    {
        StartWorker();
        Task<WorkerOrder.Exit> ended = Ended();
        while (!ended.IsCompleted)
        {
            if (_connector.Attempts.Reader.TryRead(out Attempt? attempt))
            {
                attempt.Answer.SetException(new IOException("refused"));
            }

            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }

        Assert.Equal(
            new WorkerOrder.Exit(WorkerOutcome.CannotJoin, "no coordinator for 600 s (last: refused)"), await ended);
        Assert.Equal(["No connection to the coordinator: refused"], _notes);
    }

    /// <summary>
    /// Goal: a worker whose connection is lost in the middle of a fetch goes on where it was. Method: the session
    /// closes just behind a block, so while it is written; the next one is asked for the others, and the worker gets
    /// ready.
    /// </summary>
    [Fact]
    public async Task Session_LostDuringAFetch_TheNextOneGoesOn()
    {
        IActorRef worker = StartWorker();
        Attempt first = await Read(_connector.Attempts);
        FakeSession session = await first.AcceptAsync();
        first.Welcome(s_plan);
        await ServeIndex(first, session);
        Send(first, PackedData.Answer(PackedData.Want(0)));
        first.Handler.OnClosed("reset");

        Attempt second = await AdvanceUntil(Read(_connector.Attempts));
        session = await second.AcceptAsync();
        second.Welcome(s_plan);
        HashSet<long> asked = [];
        while (asked.Count < PackedData.Offsets.Length - 1)
        {
            WorkerMessage.WantData want = Assert.IsType<WorkerMessage.WantData>(await Read(session.Sent));
            asked.Add(want.Offset);
            Send(second, PackedData.Answer(want));
        }

        Assert.DoesNotContain(0, asked);
        Assert.IsType<WorkerMessage.Ready>(await Read(session.Sent));
        await Step(second, session);
        worker.Tell(WorkerActor.Drain.Instance);
        Assert.IsType<WorkerMessage.Leave>(await Read(session.Sent));
        second.Handler.OnMessage(new CoordinatorMessage.Finish("left"));
        Assert.Equal(new WorkerOrder.Exit(WorkerOutcome.Done, "left"), await Ended());
        Assert.Equal("the worker has ended", await session.Closed.Task.WaitAsync(Patience));
    }

    [Theory]
    [InlineData("drain")]
    [InlineData("kill")]
    [InlineData("finish")]
    public async Task End_DuringAFetch_ComesAtOnce(string how)
    {
        IActorRef worker = StartWorker();
        Attempt attempt = await Read(_connector.Attempts);
        FakeSession session = await attempt.AcceptAsync();
        attempt.Welcome(s_plan);
        await ServeIndex(attempt, session);
        Send(attempt, PackedData.Answer(PackedData.Want(0)));
        await EndAsync(worker, attempt, how);
        Assert.True(session.Closed.Task.IsCompleted);
    }

    /// <summary>Compute threads that wait for blocks hold nobody up, with a connection or without.</summary>
    [Theory]
    [InlineData("drain", false)]
    [InlineData("drain", true)]
    [InlineData("kill", true)]
    [InlineData("finish", false)]
    public async Task End_WhileThreadsWaitForData_ComesAtOnce(string how, bool isCut)
    {
        IActorRef worker = StartWorker(new LargeJobs(_data.Cache));
        (Attempt attempt, FakeSession session) = await BeginStepOfLargeDataAsync();
        Assert.IsType<WorkerMessage.WantData>(await Read(session.Sent));
        if (isCut)
        {
            attempt.Handler.OnClosed("reset");
        }

        await EndAsync(worker, attempt, how);
    }

    /// <summary>A block that comes damaged in mid-run ends the worker: its data cannot be had.</summary>
    [Fact]
    public async Task Step_WithADamagedBlock_EndsTheWorker()
    {
        StartWorker(new LargeJobs(_data.Cache));
        (Attempt attempt, FakeSession session) = await BeginStepOfLargeDataAsync();
        CoordinatorMessage.DataBlock damaged = PackedData.Answer(
            Assert.IsType<WorkerMessage.WantData>(await Read(session.Sent)));
        damaged.Payload!.Memory.Span[7]++;
        Send(attempt, damaged);
        WorkerOrder.Exit exit = await Ended();
        Assert.Equal(WorkerOutcome.Failed, exit.Outcome);
        Assert.Contains("is another one", exit.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Step_WithBlocksThatAreFetched_HasAllSums()
    {
        StartWorker(new LargeJobs(_data.Cache));
        (Attempt attempt, FakeSession session) = await BeginStepOfLargeDataAsync();
        for (int shards = 0; shards < TestJob.ShardCount;)
        {
            switch (await Read(session.Sent))
            {
                case WorkerMessage.WantData want:
                    Send(attempt, PackedData.Answer(want));
                    break;
                case WorkerMessage.GradientSum sum:
                    shards += sum.ShardCount;
                    break;
            }
        }
    }

    [Theory]
    [InlineData("drain")]
    [InlineData("kill")]
    [InlineData("finish")]
    public async Task End_WhilePreparing_ComesAtOnce(string how)
    {
        using ManualResetEventSlim blocked = new();
        using ManualResetEventSlim isPreparing = new();
        IActorRef worker = StartWorker(new Jobs(_data.Cache, () =>
        {
            isPreparing.Set();
            blocked.Wait();
        }));
        Attempt attempt = await Read(_connector.Attempts);
        await attempt.AcceptAsync();
        attempt.Welcome(s_plan);
        Assert.True(isPreparing.Wait(Patience));
        await EndAsync(worker, attempt, how);
        blocked.Set();
    }

    [Fact]
    public async Task FaultOfTheProgram_WhilePreparing_IsNamedWithItsStack()
    {
        IActorRef worker = StartWorker(new Jobs(_data.Cache, () => throw new InvariantException("The test says so.")));
        Attempt attempt = await Read(_connector.Attempts);
        FakeSession session = await attempt.AcceptAsync();
        attempt.Welcome(s_plan);
        ActorFailedException failure = await Read(Failures);
        Assert.Equal("data-set failed: The test says so.", failure.Message);
        InvariantException cause = Assert.IsType<InvariantException>(failure.InnerException);
        Assert.Contains(nameof(JobSource.Open), cause.StackTrace, StringComparison.Ordinal);
        ExpectTerminated(worker, Patience);
        Assert.True(session.Closed.Task.IsCompleted);
        Assert.False(session.Sent.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Rent_NotExpected_IsRefused()
    {
        StartWorker();
        Attempt attempt = await Read(_connector.Attempts);
        FakeSession session = await attempt.AcceptAsync();
        CoordinatorMessage.Weights weights = new(new Term(1), new Step(0));
        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(weights, 1000));
        CoordinatorMessage.DataBlock block = PackedData.Answer(PackedData.WantIndex);
        int floats = block.Payload!.Memory.Length;
        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(block, floats));
        attempt.Welcome(s_plan);
        Assert.Equal(PackedData.WantIndex, await Read(session.Sent));
        attempt.Handler.Rent(block, floats).Dispose();
        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(block, floats + 1));
        CoordinatorMessage.DataBlock other = block with { Hash = new string('0', 64) };
        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(other, floats));
        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(block with { Count = 0 }, 0));
        for (int i = 0; i < 8; i++)
        {
            attempt.Handler.Rent(block, floats);
        }

        Assert.Throws<ProtocolException>(() => attempt.Handler.Rent(block, floats));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _data.Dispose();
    }

    /// <summary>Joins, answers the question for the index, and begins a step as soon as the worker is ready.</summary>
    private async Task<(Attempt Attempt, FakeSession Session)> BeginStepOfLargeDataAsync()
    {
        Attempt attempt = await Read(_connector.Attempts);
        FakeSession session = await attempt.AcceptAsync();
        attempt.Welcome(s_plan);
        Assert.Equal(PackedData.WantIndex, await Read(session.Sent));
        Send(attempt, PackedData.Answer(PackedData.WantIndex));
        Assert.IsType<WorkerMessage.Ready>(await Read(session.Sent));
        BeginStep(attempt);
        return (attempt, session);
    }

    private static void Send(Attempt attempt, CoordinatorMessage message) => attempt.Handler.OnMessage(message);

    /// <summary>Answers the first question, and waits until blocks are asked for.</summary>
    private static async Task ServeIndex(Attempt attempt, FakeSession session)
    {
        Assert.Equal(PackedData.WantIndex, await Read(session.Sent));
        Send(attempt, PackedData.Answer(PackedData.WantIndex));
        for (int i = 0; i < PackedData.Offsets.Length; i++)
        {
            Assert.Equal(PackedData.Want(i * PackedData.BlockBytes), await Read(session.Sent));
        }
    }

    private static void BeginStep(Attempt attempt)
    {
        TrainingJob job = TestJob.Create();
        CoordinatorMessage.Weights weights = new(new Term(1), new Step(0));
        PooledBuffer buffer = (PooledBuffer)attempt.Handler.Rent(weights, job.Gradients.Length);
        buffer.Values.Span.Fill(0.01f);
        attempt.Handler.OnMessage(weights with { Payload = buffer });

        attempt.Handler.OnMessage(
            new CoordinatorMessage.Assign(new Term(1), new Step(0), new ShardRange(0, TestJob.ShardCount)));
    }

    /// <summary>One step, all of whose shards come back.</summary>
    private static async Task Step(Attempt attempt, FakeSession session)
    {
        BeginStep(attempt);
        for (int shards = 0; shards < TestJob.ShardCount;)
        {
            shards += Assert.IsType<WorkerMessage.GradientSum>(await Read(session.Sent)).ShardCount;
        }
    }

    /// <summary>Within 2 s of the machine's time, and no wait for what else goes on.</summary>
    private async Task EndAsync(IActorRef worker, Attempt attempt, string how)
    {
        switch (how)
        {
            case "drain":
                worker.Tell(WorkerActor.Drain.Instance);
                break;
            case "kill":
                worker.Tell(WorkerActor.Kill.Instance);
                break;
            default:
                attempt.Handler.OnMessage(new CoordinatorMessage.Finish("the run is finished"));
                break;
        }

        Assert.Equal(WorkerOutcome.Done, (await AdvanceUntil(_ended.Task)).Outcome);
        ExpectTerminated(worker, Patience);
    }

    private Task<WorkerOrder.Exit> Ended() => _ended.Task.WaitAsync(Patience);

    private IActorRef StartWorker(JobSource? jobs = null)
    {
        WorkerOptions options = new()
        {
            Identity = new WorkerMessage.Join("w", "1", "n", 2, 1),
            SilenceMax = TimeSpan.FromSeconds(100),
        };
        return Start(
            WorkerActor.Remote(
                _connector, options, jobs ?? new JobSource(null, _data.Cache, _ => { }), _notes.Add, _ended),
            "worker");
    }

    /// <summary>Does something before a plan's data are opened.</summary>
    private sealed class Jobs(string cache, Action open) : JobSource(null, cache, _ => { })
    {
        public override TrainingJob? Open(RunConfiguration configuration)
        {
            open();
            return base.Open(configuration);
        }
    }

    /// <summary>Data that are not read when they are opened.</summary>
    private sealed class LargeJobs(string cache) : JobSource(null, cache, _ => { })
    {
        public override TrainingJob OpenFetched(RunConfiguration configuration, BlockCache blocks) => base.OpenFetched(
            configuration with { Data = configuration.Data with { MemoryBytes = 0 } }, blocks);
    }
}
