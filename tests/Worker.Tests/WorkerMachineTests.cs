using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using Order = Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Worker.Tests;

public sealed class WorkerMachineTests
{
    private static readonly Term s_term = new(3);
    private static readonly Step s_one = new(1);
    private static readonly Step s_two = new(2);
    private static readonly NamedPayload s_payload = new("weights");
    private static readonly NamedPayload s_gradient = new("gradient");
    private static readonly WorkerMessage.Join s_join = new("w", "1", "n", 2, 7);

    private readonly WorkerMachine _machine = new(new WorkerOptions { Identity = s_join });
    private double _now;

    [Fact]
    public void Join_Welcomed_PreparesAndSaysReady()
    {
        Expect(Send(new Started()), new Connect());
        Expect(Send(new Connected()), new Send(s_join));
        Expect(Send(Welcome(s_term)), new Prepare(s_term, "plan"));
        Expect(Send(new Prepared(new Term(2)))); // Of an earlier term.
        Expect(Send(new Prepared(s_term)), new Send(new WorkerMessage.Ready(s_term)));
        Assert.Equal(new SessionId(5), _machine.Worker);
    }

    [Theory]
    [InlineData(Refusal.Full, WorkerOutcome.CannotJoin)]
    [InlineData(Refusal.Malformed, WorkerOutcome.CannotJoin)]
    [InlineData(Refusal.Version, WorkerOutcome.VersionMismatch)]
    [InlineData(Refusal.Numerics, WorkerOutcome.VersionMismatch)]
    public void Join_Refused_ExitsAtOnce(Refusal refusal, WorkerOutcome outcome)
    {
        Send(new Started());
        Send(new Connected());
        Expect(Send(new CoordinatorMessage.Refuse(refusal, "why")), new Exit(outcome, "why"));
        Assert.Null(_machine.NextDeadline);
    }

    [Fact]
    public void Refused_WhileComputing_CancelsAndExits()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(
            Send(new CoordinatorMessage.Refuse(Refusal.NotFinite, "why")),
            new CancelStep(s_one),
            new Exit(WorkerOutcome.CannotJoin, "why"));
        Expect(Send(new ConnectionLost("reset")));
    }

    [Fact]
    public void Assign_BeforeOrAfterItsWeights_IsComputedOnceTheyAreHere()
    {
        NamedPayload second = new("second");
        Join();
        Expect(Send(new CoordinatorMessage.Assign(s_term, s_one, new ShardRange(0, 4))));
        Expect(
            Send(Weights(s_one)),
            new BeginStep(Weights(s_one)),
            new ComputeShards(s_one, new ShardRange(0, 4)));
        Expect(
            Send(new CoordinatorMessage.Assign(s_term, s_one, new ShardRange(2, 6))), // 2 and 3 are at hand.
            new ComputeShards(s_one, new ShardRange(4, 6)));
        Expect(
            Send(Weights(s_one) with { Payload = second }), // Repeated.
            new Release(second));
    }

    [Fact]
    public void Sums_AreSent_AndShardsAskedForAgainAreComputedAgain()
    {
        Join();
        Begin(s_one, 0, 4);
        Assert.Equal("Computing", _machine.StateName);
        Expect(Send(new SumCompleted(Sum(s_one))), new Send(Sum(s_one)));
        Assert.Equal("Waiting", _machine.StateName);
        Expect(
            Send(new CoordinatorMessage.Assign(s_term, s_one, new ShardRange(0, 4))),
            new ComputeShards(s_one, new ShardRange(0, 4)));
    }

    [Fact]
    public void NewerStep_VoidsTheOlder()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new CoordinatorMessage.Assign(s_term, s_two, new ShardRange(0, 2))), new CancelStep(s_one));
        Expect(Send(new SumCompleted(Sum(s_one))), new Release(s_gradient));
        Expect(Send(new CoordinatorMessage.Assign(s_term, s_one, new ShardRange(0, 2))));
        Expect(
            Send(Weights(s_one)), new Release(s_payload));
        Expect(
            Send(Weights(s_two)),
            new BeginStep(Weights(s_two)),
            new ComputeShards(s_two, new ShardRange(0, 2)));
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(0, int.MaxValue)]
    public void Assign_ImpossibleOrOfAnotherTerm_IsIgnored(int first, int end)
    {
        Join();
        Send(Weights(s_one));
        Expect(Send(new CoordinatorMessage.Assign(s_term, s_one, new ShardRange(first, end))));
        Expect(Send(new CoordinatorMessage.Assign(new Term(2), s_one, new ShardRange(0, 2))));
        Expect(
            Send(Weights(s_two) with { Term = new Term(4) }), new Release(s_payload));
    }

    [Fact]
    public void ConnectionLost_CancelsAndTriesAgain_LaterEachTime()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new ConnectionLost("reset")), new CancelStep(s_one));
        Assert.Null(_machine.Worker);
        Expect(Send(new SumCompleted(Sum(s_one))), new Release(s_gradient));
        List<double> waits = [];
        for (int i = 0; i < 8; i++)
        {
            double before = _now;
            Expect(TickAtDeadline(), new Connect());
            waits.Add(_now - before);
            Send(new ConnectionLost("refused"));
        }

        Assert.Equal([0.15, 0.3, 0.6, 1.2, 2.4, 3.75, 3.75, 3.75], waits.Select(wait => Math.Round(wait, 6)));
        TickAtDeadline();
        Expect(Send(new Connected()), new Send(s_join));
        Expect(Send(Welcome(new Term(4))), new Prepare(new Term(4), "plan"));
    }

    [Fact]
    public void NoCoordinator_ForTooLong_Exits()
    {
        Send(new Started());
        List<Order> orders = [];
        while (_machine.NextDeadline is not null && !orders.OfType<Exit>().Any())
        {
            orders.AddRange(Send(new ConnectionLost("refused")));
            orders.AddRange(TickAtDeadline());
        }

        Assert.Equal(new Exit(WorkerOutcome.CannotJoin, "no coordinator for 600 s"), orders[^1]);
        Assert.Equal(600, _now, 0.001);
    }

    [Fact]
    public void Heartbeats_AreSent_AndASilentCoordinatorIsGivenUp()
    {
        Join();
        for (int second = 1; second < 8; second++)
        {
            Expect(TickAtDeadline(), new Send(new WorkerMessage.Heartbeat(s_term, IsReady: true)));
            Assert.Equal(second, _now);
        }

        Send(new CoordinatorHeard());
        for (int second = 8; second < 15; second++)
        {
            Expect(TickAtDeadline(), new Send(new WorkerMessage.Heartbeat(s_term, IsReady: true)));
        }

        Expect(TickAtDeadline(), new Disconnect("silent for 8 s"));
        Assert.Equal(15, _now);
        Expect(TickAtDeadline(), new Connect());
    }

    /// <summary>A process that was stopped for a while finds the coordinator's answers in its mailbox.</summary>
    [Fact]
    public void OwnPause_IsNotTheCoordinatorsSilence()
    {
        Join();
        _now = 60;
        Expect(Send(new Tick()), new Send(new WorkerMessage.Heartbeat(s_term, IsReady: true)));
        Assert.Equal("Waiting", _machine.StateName);
    }

    [Fact]
    public void Drain_InMidStep_Leaves_AndWaitsForTheAnswerNotForLong()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new DrainRequested()), new CancelStep(s_one), new Send(new WorkerMessage.Leave(s_term)));
        Expect(Send(new SumCompleted(Sum(s_one))), new Release(s_gradient));
        Expect(Send(new CoordinatorMessage.Assign(s_term, s_two, new ShardRange(0, 2))));
        Expect(TickAtDeadline(), new Exit(WorkerOutcome.Done, "drained, without an answer"));
        Assert.Equal(2, _now);
    }

    [Fact]
    public void Drain_Answered_ExitsAtOnce()
    {
        Join();
        Expect(Send(new DrainRequested()), new Send(new WorkerMessage.Leave(s_term)));
        Expect(Send(new CoordinatorMessage.Finish("left")), new Exit(WorkerOutcome.Done, "left"));
        Expect(Send(new ConnectionLost("closed")));
        Expect(Send(new Tick()));
    }

    [Fact]
    public void Finish_WhileComputing_CancelsAndExits()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(
            Send(new CoordinatorMessage.Finish("the run is finished")),
            new CancelStep(s_one),
            new Exit(WorkerOutcome.Done, "the run is finished"));
    }

    [Fact]
    public void PrepareFailed_LeavesAndExits()
    {
        Send(new Started());
        Send(new Connected());
        Send(Welcome(s_term));
        Expect(
            Send(new PrepareFailed(s_term, "no such data")),
            new Send(new WorkerMessage.Leave(s_term)),
            new Exit(WorkerOutcome.Failed, "no such data"));
    }

    [Fact]
    public void NoRoomForTheData_IsAnOutcomeOfItsOwn()
    {
        Send(new Started());
        Send(new Connected());
        Send(Welcome(s_term));
        Expect(
            Send(new PrepareFailed(s_term, "no space", IsDiskFull: true)),
            new Send(new WorkerMessage.Leave(s_term)),
            new Exit(WorkerOutcome.DiskFull, "no space"));
    }

    [Fact]
    public void Message_OfTheCoordinator_IsASignOfLife()
    {
        Join();
        _now = 5;
        Send(new CoordinatorMessage.Heartbeat(s_term));
        _now = 6;
        Send(new Tick());
        _now = 7.5;
        Send(new Tick());
        _now = 9;
        Send(new Tick());
        Assert.Equal("Waiting", _machine.StateName);
    }

    [Fact]
    public void Engaged_IsReadyAtOnce_AndWaitsForNoSignOfLife()
    {
        Expect(Send(new Engaged(s_term, new SessionId(5))));
        Assert.Equal("Waiting", _machine.StateName);
        Assert.Equal(new SessionId(5), _machine.Worker);
        Assert.Null(_machine.NextDeadline);
        Begin(s_one, 0, 4);
        _now = 3600;
        Expect(Send(new Tick()));
        Assert.Null(_machine.NextDeadline);
        Expect(Send(new SumCompleted(Sum(s_one))), new Send(Sum(s_one)));
    }

    [Fact]
    public void Engaged_Drained_LeavesAndWaitsForTheAnswer()
    {
        Send(new Engaged(s_term, new SessionId(5)));
        Begin(s_one, 0, 4);
        Expect(
            Send(new DrainRequested()), new CancelStep(s_one), new Send(new WorkerMessage.Leave(s_term)));
        Expect(Send(new CoordinatorMessage.Finish("left")), new Exit(WorkerOutcome.Done, "left"));
    }

    [Fact]
    public void Engaged_CoordinatorEnds_Exits()
    {
        Send(new Engaged(s_term, new SessionId(5)));
        Begin(s_one, 0, 4);
        Expect(
            Send(new ConnectionLost("gone")), new CancelStep(s_one), new Exit(WorkerOutcome.Done, "gone"));
    }

    private static CoordinatorMessage.Welcome Welcome(Term term) =>
        new(term, new SessionId(5), "plan", TimeSpan.FromSeconds(1));

    private static CoordinatorMessage.Weights Weights(Step step) => new(s_term, step) { Payload = s_payload };

    /// <summary>Of shards 0 to 3.</summary>
    private static WorkerMessage.GradientSum Sum(Step step) =>
        new(s_term, step, new TreeNode(2, 0), 4, Loss: 2, TimeSpan.Zero) { Payload = s_gradient };

    private static void Expect(List<Order> actual, params Order[] expected) =>
        Assert.Equal(expected, actual);

    private void Join()
    {
        Send(new Started());
        Send(new Connected());
        Send(Welcome(s_term));
        Send(new Prepared(s_term));
    }

    private void Begin(Step step, int first, int end)
    {
        Send(Weights(step));
        Send(new CoordinatorMessage.Assign(s_term, step, new ShardRange(first, end)));
    }

    private List<Order> TickAtDeadline()
    {
        _now = Assert.NotNull(_machine.NextDeadline).SinceStart.TotalSeconds;
        return Send(new Tick());
    }

    private List<Order> Send(WorkerReport report)
    {
        List<Order> orders = [];
        _machine.Handle(report, new Timestamp(TimeSpan.FromSeconds(_now)), orders);
        return orders;
    }

    private List<Order> Send(CoordinatorMessage message)
    {
        List<Order> orders = [];
        _machine.Handle(message, new Timestamp(TimeSpan.FromSeconds(_now)), orders);
        return orders;
    }
}
