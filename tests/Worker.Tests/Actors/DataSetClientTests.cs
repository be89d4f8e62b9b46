using Akka.Actor;
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
    private static readonly TimeSpan s_noMessage = TimeSpan.FromSeconds(0.1);
    private static readonly Term s_term = new(1);
    private static readonly string s_plan = TestJob.Configuration.ToJson();
    private readonly PackedData _data = new();

    [Fact]
    public void Prepare_DataElsewhere_FetchesChecksAndKeepsThem()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        for (long offset = 0; offset < PackedData.Length; offset += PackedData.BlockBytes)
        {
            ExpectWant(offset);
            client.Tell(PackedData.Block(offset));
        }

        Prepared prepared = ExpectMsg<Prepared>(Patience);
        Assert.Equal(s_term, prepared.Term);
        Assert.Equal([PackedData.Hash], _data.Files);

        client.Tell(new Prepare(new Term(2), s_plan));
        Assert.Equal(prepared with { Term = new Term(2) }, ExpectMsg<Prepared>(Patience)); // The same job.

        IActorRef other = StartClient();
        other.Tell(new Prepare(s_term, s_plan));
        ExpectMsg<Prepared>(Patience); // From the cache.
    }

    /// <summary>
    /// Goal: the loss of the connection is never forgotten. Method: it comes while a block is written, so before the
    /// answer to it; nothing is asked for until the next Prepare, and then what is missing on the disk.
    /// </summary>
    [Fact]
    public void ConnectionLost_WhileABlockIsWritten_GoesOnAtTheSameOffset()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        client.Tell(PackedData.Block(0));
        client.Tell(ConnectionLost.Instance);
        ExpectWant(PackedData.BlockBytes); // Is lost with the connection.
        Time.Advance(TimeSpan.FromMinutes(20));
        ExpectNoMsg(s_noMessage);

        client.Tell(new Prepare(new Term(2), s_plan));
        Deliver(client, from: PackedData.BlockBytes);
        Assert.Equal(new Term(2), ExpectMsg<Prepared>(Patience).Term);
    }

    [Fact]
    public void Prepare_OfAnotherPlan_BeginsAgain()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        client.Tell(PackedData.Block(0));
        ExpectWant(PackedData.BlockBytes);
        client.Tell(new Prepare(new Term(2), (TestJob.Configuration with { Steps = 7 }).ToJson()));
        Deliver(client, from: 0);
        Assert.Equal(7, ExpectMsg<Prepared>(Patience).Job.Schedule.StepsTotal);
    }

    [Fact]
    public void Answer_Lost_IsAskedForAgain_AndTheSecondOneIsDropped()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        Time.Advance(TimeSpan.FromMinutes(1));
        ExpectWant(0);
        CoordinatorMessage.DataBlock second = PackedData.Block(0);
        client.Tell(PackedData.Block(0));
        client.Tell(second);
        Deliver(client, from: PackedData.BlockBytes);
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
            ExpectWant(0);
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
        ExpectWant(0);
        client.Tell(new CoordinatorMessage.NoData(new string('0', 64), "of other data"));
        client.Tell(new CoordinatorMessage.NoData(PackedData.Hash, "not here"));
        Assert.Equal("not here", ExpectMsg<PrepareFailed>(Patience).Cause.Message);
        Assert.Empty(_data.Files);
    }

    [Fact]
    public void Block_Damaged_FailsAndIsNotKept()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        CoordinatorMessage.DataBlock damaged = PackedData.Block(0);
        damaged.Payload!.Memory.Span[77]++;
        client.Tell(damaged);
        Deliver(client, from: PackedData.BlockBytes);
        Assert.IsType<DataException>(ExpectMsg<PrepareFailed>(Patience).Cause);
        Assert.Empty(_data.Files);
    }

    [Fact]
    public void Block_OfAnotherLength_Fails()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        client.Tell(PackedData.Block(0));
        ExpectWant(PackedData.BlockBytes);
        client.Tell(PackedData.Block(PackedData.BlockBytes) with { Length = 12 });
        string why = ExpectMsg<PrepareFailed>(Patience).Cause.Message;
        Assert.Contains("changed its length", why, StringComparison.Ordinal);
    }

    [Fact]
    public void Stop_DuringAFetch_RemovesTheFile()
    {
        IActorRef client = StartClient();
        client.Tell(new Prepare(s_term, s_plan));
        ExpectWant(0);
        client.Tell(PackedData.Block(0));
        ExpectWant(PackedData.BlockBytes);
        Assert.Single(_data.Files);
        Sys.Stop(client);
        ExpectTerminated(client, Patience);
        Assert.Empty(_data.Files);
    }

    /// <summary>Hashing and compiling take long, and are not waited for.</summary>
    [Fact]
    public void Stop_WhileChecking_EndsAtOnceAndRemovesTheFile()
    {
        using ManualResetEventSlim blocked = new();
        IActorRef client = StartClient(new Jobs(_data.Cache) { Check = blocked.Wait });
        client.Tell(new Prepare(s_term, s_plan));
        Deliver(client, from: 0);
        Sys.Stop(client);
        ExpectTerminated(client, Patience);
        Assert.Empty(_data.Files);
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
        Deliver(client, from: 0);
        ExpectTerminated(client, Patience);
        Assert.Empty(_data.Files);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _data.Dispose();
    }


    private IActorRef StartClient(JobSource? jobs = null)
    {
        jobs ??= new JobSource(null, _data.Cache, _ => { });
        return Watch(ChildActorOf(
            Props.Create(() => new DataSetClient(jobs)).WithDispatcher(ActorSystems.BlockingDispatcher),
            new OneForOneStrategy(_ => Directive.Stop)));
    }

    private void ExpectWant(long offset) => Assert.Equal(
        new WorkerMessage.WantData(PackedData.Hash, offset), ExpectMsg<WorkerMessage.WantData>(Patience));

    private void Deliver(IActorRef client, long from)
    {
        for (long offset = from; offset < PackedData.Length; offset += PackedData.BlockBytes)
        {
            ExpectWant(offset);
            client.Tell(PackedData.Block(offset));
        }
    }

    private sealed class Jobs(string cache) : JobSource(null, cache, _ => { })
    {
        public Action Check { get; init; } = () => { };

        public override TrainingJob OpenFetched(RunConfiguration configuration, string temporary)
        {
            Check();
            return base.OpenFetched(configuration, temporary);
        }
    }
}
