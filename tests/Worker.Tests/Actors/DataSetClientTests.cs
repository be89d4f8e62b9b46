using Akka.Actor;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using static Distributed.Worker.Actors.DataSetClient;

namespace Distributed.Worker.Tests.Actors;

/// <summary>The test is the worker above the client, and the coordinator who has the data.</summary>
public sealed class DataSetClientTests : ActorTest
{
    private const int AskedMax = 4;
    private static readonly TimeSpan s_noMessage = TimeSpan.FromSeconds(0.1);
    private static readonly Term s_term = new(1);
    private static readonly string s_plan = TestJob.Configuration.ToJson();
    private readonly PackedData _data = new();

    [Fact]
    public void Prepare_SmallDataElsewhere_FetchesThemOnce()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        (Prepared prepared, List<WorkerMessage.WantData> asked) = ServeUntil<Prepared>(client);
        Assert.Equal(s_term, prepared.Term);
        Assert.False(prepared.LooksAhead);
        Assert.Equal(PackedData.WantIndex, asked[0]);
        Assert.Equal(PackedData.Offsets, asked[1..].Select(want => want.Offset).Order());
        Assert.Equal([PackedData.Hash], _data.Files);

        client.Tell(new Prepare(new Term(2), s_plan));
        Assert.Equal(prepared with { Term = new Term(2) }, ExpectMsg<Prepared>(Patience)); // The same job.

        IActorRef other = StartClient();
        other.Tell(new Prepare(s_term, s_plan));
        (_, asked) = ServeUntil<Prepared>(other);
        Assert.Equal([PackedData.WantIndex], asked); // The blocks are in the cache.
    }

    /// <summary>Large data: nothing is fetched before it is read, and then the blocks of a window alone.</summary>
    [Fact]
    public async Task Prepare_LargeDataElsewhere_IsDoneAtOnce_AndReadsFetchWhatTheyNeed()
    {
        IActorRef client = StartClient(Large());
        client.Tell(new Prepare(s_term, s_plan));
        (Prepared prepared, List<WorkerMessage.WantData> asked) = ServeUntil<Prepared>(client);
        Assert.Equal([PackedData.WantIndex], asked);
        Assert.True(prepared.LooksAhead);

        Task<float[]> reading = Task.Run(() => Read(prepared.Job, 5));
        WorkerMessage.WantData first = ExpectMsg<WorkerMessage.WantData>(Patience);
        Assert.Contains(first.Offset, PackedData.Offsets[1..3]); // The sixth picture lies there.
        client.Tell(PackedData.Answer(first));
        while (!reading.IsCompleted)
        {
            if (ReceiveOne(s_noMessage) is WorkerMessage.WantData next)
            {
                Assert.Contains(next.Offset, PackedData.Offsets[1..3]);
                client.Tell(PackedData.Answer(next));
            }
        }

        Assert.Equal(Read(TestJob.Create(), 5), await reading);
    }

    [Fact]
    public void Computing_FetchesAheadWhatTheNextStepsRead()
    {
        IActorRef client = StartClient(Large());
        client.Tell(new Prepare(s_term, s_plan));
        ServeUntil<Prepared>(client);
        client.Tell(new Computing(new Step(0), new ShardRange(0, TestJob.ShardCount)));
        List<long> asked = [];
        while (asked.Count < PackedData.Offsets.Length)
        {
            WorkerMessage.WantData want = ExpectMsg<WorkerMessage.WantData>(Patience);
            asked.Add(want.Offset);
            client.Tell(PackedData.Answer(want));
        }

        Assert.Equal(PackedData.Offsets, asked.Order()); // Two steps read all pictures.
        client.Tell(new Computing(new Step(1), new ShardRange(0, TestJob.ShardCount)));
        ExpectNoMsg(s_noMessage);
    }

    /// <summary>
    /// Goal: the loss of the connection is never forgotten, and who waits for a block waits on. Method: it comes behind
    /// the first of several answers; nothing is asked for until the next Prepare, and then what has not come.
    /// </summary>
    [Fact]
    public void ConnectionLost_WhileBlocksAreAsked_GoesOnWithWhatHasNotCome()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        HashSet<WorkerMessage.WantData> asked = [.. Enumerable.Range(0, AskedMax).Select(_ =>
            ExpectMsg<WorkerMessage.WantData>(Patience))];
        client.Tell(ConnectionLost.Instance);
        client.Tell(PackedData.Answer(PackedData.Want(0)));
        Time.Advance(TimeSpan.FromMinutes(20));
        ExpectNoMsg(s_noMessage);

        client.Tell(new Prepare(new Term(2), s_plan));
        (Prepared prepared, List<WorkerMessage.WantData> again) = ServeUntil<Prepared>(client);
        Assert.Equal(new Term(2), prepared.Term);
        Assert.Equal(asked.Where(want => want.Offset > 0).ToHashSet(), again.ToHashSet());
    }

    [Fact]
    public void Prepare_OfAnotherPlan_BeginsAgain_WithWhatIsThere()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        ReceiveN(AskedMax, Patience);
        client.Tell(PackedData.Answer(PackedData.Want(0)));
        client.Tell(new Prepare(new Term(2), (TestJob.Configuration with { Steps = 7 }).ToJson()));
        (Prepared prepared, List<WorkerMessage.WantData> asked) = ServeUntil<Prepared>(client);
        Assert.Equal(7, prepared.Job.Schedule.StepsTotal);
        Assert.Contains(PackedData.WantIndex, asked);
        Assert.DoesNotContain(PackedData.Want(0), asked);
    }

    [Fact]
    public void Answer_Lost_IsAskedForAgain_AndTheSecondOneIsDropped()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        Assert.Equal(PackedData.WantIndex, ExpectMsg<WorkerMessage.WantData>(Patience));
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(PackedData.WantIndex, ExpectMsg<WorkerMessage.WantData>(Patience));
        CoordinatorMessage.DataBlock second = PackedData.Answer(PackedData.WantIndex);
        client.Tell(PackedData.Answer(PackedData.WantIndex));
        client.Tell(second);
        object[] asked = [.. ReceiveN(AskedMax, Patience)];
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(asked, ReceiveN(AskedMax, Patience));
        foreach (WorkerMessage.WantData want in asked.Concat(asked).Cast<WorkerMessage.WantData>())
        {
            client.Tell(PackedData.Answer(want));
        }

        ExpectMsg<Prepared>(Patience);
        Assert.True(((Payload)second.Payload!).IsDisposed);
    }

    [Fact]
    public void NoAnswer_ForTenMinutes_Fails()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(PackedData.WantIndex, ExpectMsg<WorkerMessage.WantData>(Patience));
            Time.Advance(TimeSpan.FromMinutes(1));
        }

        PrepareFailed failed = ExpectMsg<PrepareFailed>(Patience);
        Assert.Equal("No data came from the coordinator for 10 minutes.", failed.Cause.Message);
        Assert.Empty(_data.Files);
    }

    [Fact]
    public void NoData_FailsWithItsReason()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectMsg<WorkerMessage.WantData>(Patience);
        client.Tell(new CoordinatorMessage.NoData(new string('0', 64), "of other data"));
        client.Tell(new CoordinatorMessage.NoData(PackedData.Index.Hash, "not here"));
        Assert.Equal("not here", ExpectMsg<PrepareFailed>(Patience).Cause.Message);
        Assert.Empty(_data.Files);
    }

    [Fact]
    public void Index_Damaged_Fails()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        Damage(client, ExpectMsg<WorkerMessage.WantData>(Patience));
        Assert.IsType<DataException>(ExpectMsg<PrepareFailed>(Patience).Cause);
        Assert.Empty(_data.Files);
    }

    [Fact]
    public void Index_OfAnyLength_Fails()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        CoordinatorMessage.DataBlock endless = PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience));
        client.Tell(endless with { Length = PackedIndex.BytesMax + 1 });
        string why = ExpectMsg<PrepareFailed>(Patience).Cause.Message;
        Assert.Contains("too many", why, StringComparison.Ordinal);
    }

    /// <summary>A wrong block ends the plan, and the thread that waits for it, also long after it was ready.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Block_Damaged_FailsAndIsNeverRead(bool isReady)
    {
        TaskCompletionSource<Task> reading = new();
        IActorRef client = StartClient(isReady ? Large() : new Jobs(_data.Cache) { Opening = reading.SetResult });
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        if (isReady)
        {
            TrainingJob job = ExpectMsg<Prepared>(Patience).Job;
            reading.SetResult(Task.Run(() => Read(job, 0)));
        }

        Damage(client, ExpectMsg<WorkerMessage.WantData>(Patience));
        PrepareFailed failed = (PrepareFailed)FishForMessage(message => message is PrepareFailed, Patience);
        Assert.IsType<DataException>(failed.Cause);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await await reading.Task);
    }

    [Fact]
    public async Task Stop_DuringAFetch_EndsWhoWaits_AndKeepsWhatHasCome()
    {
        TaskCompletionSource<Task> reading = new();
        IActorRef client = StartClient(new Jobs(_data.Cache) { Opening = reading.SetResult });
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        ReceiveN(AskedMax, Patience);
        client.Tell(PackedData.Answer(PackedData.Want(0)));
        client.Tell(PoisonPill.Instance); // Comes behind the block, where Stop would come before it.
        ExpectTerminated(client, Patience);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await await reading.Task);

        IActorRef other = StartClient();
        other.Tell(new Prepare(s_term, s_plan));
        Assert.DoesNotContain(PackedData.Want(0), ServeUntil<Prepared>(other).Asked);
    }

    /// <summary>Compiling takes long, and is not waited for.</summary>
    [Fact]
    public void Stop_WhileFilling_EndsAtOnce()
    {
        using ManualResetEventSlim blocked = new();
        IActorRef client = StartClient(new Jobs(_data.Cache) { Check = blocked.Wait });
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        Sys.Stop(client);
        ExpectTerminated(client, Patience);
        blocked.Set();
    }

    [Fact]
    public void Plan_Unreadable_IsAnswered()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, "plan"));
        Assert.Equal(s_term, ExpectMsg<PrepareFailed>(Patience).Term);
    }

    [Fact]
    public void FaultOfTheProgram_IsNoAnswer_ButEndsTheClient()
    {
        IActorRef client = StartClient(
            new Jobs(_data.Cache) { Check = () => throw new InvariantException("The test says so.") });
        client.Tell(new Prepare(s_term, s_plan));
        client.Tell(PackedData.Answer(ExpectMsg<WorkerMessage.WantData>(Patience)));
        ExpectTerminated(client, Patience);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _data.Dispose();
    }

    /// <summary>The input of a pair.</summary>
    private static float[] Read(TrainingJob job, int pair)
    {
        float[] input = new float[job.Source.Shape.Elements];
        job.Source.Read(pair, 0, input, new float[input.Length]);
        return input;
    }

    private static void Damage(IActorRef client, WorkerMessage.WantData want)
    {
        CoordinatorMessage.DataBlock damaged = PackedData.Answer(want);
        damaged.Payload!.Memory.Span[7]++;
        client.Tell(damaged);
    }

    private Jobs Large() => new(_data.Cache) { IsLarge = true };

    private IActorRef StartClient(JobSource? jobs = null)
    {
        jobs ??= new JobSource(null, _data.Cache, _ => { });
        return Watch(ChildActorOf(
            Props.Create(() => new DataSetClient(jobs)).WithDispatcher(ActorSystems.BlockingDispatcher),
            new OneForOneStrategy(_ => Directive.Stop)));
    }

    /// <summary>Answers all questions until something else is said.</summary>
    private (T Said, List<WorkerMessage.WantData> Asked) ServeUntil<T>(IActorRef client)
    {
        List<WorkerMessage.WantData> asked = [];
        object message;
        while ((message = ReceiveOne(Patience)) is WorkerMessage.WantData want)
        {
            asked.Add(want);
            client.Tell(PackedData.Answer(want));
        }

        return (Assert.IsType<T>(message), asked);
    }

    private sealed class Jobs(string cache) : JobSource(null, cache, _ => { })
    {
        public Action Check { get; init; } = () => { };

        /// <summary>Gets what opens the data; may end with a fault.</summary>
        public Action<Task> Opening { get; init; } = _ => { };

        /// <summary>Whether the data are too large to be read when they are opened.</summary>
        public bool IsLarge { get; init; }

        public override TrainingJob OpenFetched(RunConfiguration configuration, BlockCache blocks)
        {
            Check();
            Task<TrainingJob> opening = new(() => base.OpenFetched(
                IsLarge ? configuration with { Data = configuration.Data with { MemoryBytes = 0 } } : configuration,
                blocks));
            Opening(opening);
            opening.RunSynchronously();
            return opening.GetAwaiter().GetResult();
        }
    }
}
