using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Worker.Tests;

public sealed class WorkerMachineTests
{
    private static readonly Term s_term = new(3);
    private static readonly Step s_one = new(1);
    private static readonly Step s_two = new(2);
    private static readonly ParametersTicket s_parameters = new(7);

    private readonly WorkerMachine _machine = new(new WorkerOptions());
    private double _now;

    [Fact]
    public void Join_Welcomed_PreparesAndSaysReady()
    {
        Expect(Send(new Started()), new Connect());
        Expect(Send(new Connected()), new SendJoin());
        Expect(Send(Welcome(s_term)), new Prepare(s_term, "plan"));
        Expect(Send(new Prepared(new Term(2)))); // Of an earlier term.
        Expect(Send(new Prepared(s_term)), new SendReady(s_term));
        Assert.Equal(new WorkerId(5), _machine.Worker);
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
        Expect(Send(new Refused(refusal, "why")), new Exit(outcome, "why"));
        Assert.Null(_machine.NextDeadline);
    }

    [Fact]
    public void Assign_BeforeOrAfterItsParameters_IsComputedOnceTheyAreHere()
    {
        Join();
        Expect(Send(new Assigned(s_term, s_one, new ShardRange(0, 4))));
        Expect(
            Send(new ParametersArrived(s_term, s_one, s_parameters)),
            new BeginStep(s_term, s_one, s_parameters),
            new ComputeShards(s_term, s_one, new ShardRange(0, 4)));
        Expect(
            Send(new Assigned(s_term, s_one, new ShardRange(2, 6))), // 2 and 3 are at hand.
            new ComputeShards(s_term, s_one, new ShardRange(4, 6)));
        Expect(
            Send(new ParametersArrived(s_term, s_one, new ParametersTicket(8))), // Repeated.
            new ReleaseParameters(new ParametersTicket(8)));
    }

    [Fact]
    public void Sums_AreSent_AndShardsAskedForAgainAreComputedAgain()
    {
        Join();
        Begin(s_one, 0, 4);
        Assert.Equal("Computing", _machine.StateName);
        Expect(Send(Sum(s_one, level: 2, index: 0, shards: 4, ticket: 1)), Sent(s_one, 2, 0, 4, 1));
        Assert.Equal("Waiting", _machine.StateName);
        Expect(
            Send(new Assigned(s_term, s_one, new ShardRange(0, 4))),
            new ComputeShards(s_term, s_one, new ShardRange(0, 4)));
    }

    [Fact]
    public void NewerStep_VoidsTheOlder()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new Assigned(s_term, s_two, new ShardRange(0, 2))), new CancelStep(s_term, s_one));
        Expect(Send(Sum(s_one, 2, 0, 4, ticket: 1)), new Release(new GradientTicket(1)));
        Expect(Send(new Assigned(s_term, s_one, new ShardRange(0, 2))));
        Expect(
            Send(new ParametersArrived(s_term, s_one, s_parameters)), new ReleaseParameters(s_parameters));
        Expect(
            Send(new ParametersArrived(s_term, s_two, s_parameters)),
            new BeginStep(s_term, s_two, s_parameters),
            new ComputeShards(s_term, s_two, new ShardRange(0, 2)));
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(0, int.MaxValue)]
    public void Assign_ImpossibleOrOfAnotherTerm_IsIgnored(int first, int end)
    {
        Join();
        Send(new ParametersArrived(s_term, s_one, s_parameters));
        Expect(Send(new Assigned(s_term, s_one, new ShardRange(first, end))));
        Expect(Send(new Assigned(new Term(2), s_one, new ShardRange(0, 2))));
        Expect(
            Send(new ParametersArrived(new Term(4), s_two, new ParametersTicket(9))),
            new ReleaseParameters(new ParametersTicket(9)));
    }

    [Fact]
    public void ConnectionLost_CancelsAndTriesAgain_LaterEachTime()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new ConnectionLost("reset")), new CancelStep(s_term, s_one));
        Assert.Null(_machine.Worker);
        Expect(Send(Sum(s_one, 2, 0, 4, ticket: 1)), new Release(new GradientTicket(1)));
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
        Expect(Send(new Connected()), new SendJoin());
        Expect(Send(Welcome(new Term(4))), new Prepare(new Term(4), "plan"));
    }

    [Fact]
    public void NoCoordinator_ForTooLong_Exits()
    {
        Send(new Started());
        List<WorkerEffect> effects = [];
        while (_machine.NextDeadline is not null && !effects.OfType<Exit>().Any())
        {
            effects.AddRange(Send(new ConnectionLost("refused")));
            effects.AddRange(TickAtDeadline());
        }

        Assert.Equal(new Exit(WorkerOutcome.CannotJoin, "no coordinator for 600 s"), effects[^1]);
        Assert.Equal(600, _now, 0.001);
    }

    [Fact]
    public void Heartbeats_AreSent_AndASilentCoordinatorIsGivenUp()
    {
        Join();
        for (int second = 1; second < 8; second++)
        {
            Expect(TickAtDeadline(), new SendHeartbeat(s_term, IsReady: true));
            Assert.Equal(second, _now);
        }

        Send(new CoordinatorHeard());
        for (int second = 8; second < 15; second++)
        {
            Expect(TickAtDeadline(), new SendHeartbeat(s_term, IsReady: true));
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
        Expect(Send(new Tick()), new SendHeartbeat(s_term, IsReady: true));
        Assert.Equal("Waiting", _machine.StateName);
    }

    [Fact]
    public void Drain_Shards_AndWaitsForTheAnswerNotForLong()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(Send(new DrainRequested()), new CancelStep(s_term, s_one), new SendLeave(s_term));
        Expect(Send(Sum(s_one, 2, 0, 4, ticket: 1)), new Release(new GradientTicket(1)));
        Expect(Send(new Assigned(s_term, s_two, new ShardRange(0, 2))));
        Expect(TickAtDeadline(), new Exit(WorkerOutcome.Done, "drained, without an answer"));
        Assert.Equal(2, _now);
    }

    [Fact]
    public void Drain_Answered_ExitsAtOnce()
    {
        Join();
        Expect(Send(new DrainRequested()), new SendLeave(s_term));
        Expect(Send(new Finished("left")), new Exit(WorkerOutcome.Done, "left"));
        Expect(Send(new ConnectionLost("closed")));
        Expect(Send(new Tick()));
    }

    [Fact]
    public void Finished_WhileComputing_CancelsAndExits()
    {
        Join();
        Begin(s_one, 0, 4);
        Expect(
            Send(new Finished("the run is finished")),
            new CancelStep(s_term, s_one),
            new Exit(WorkerOutcome.Done, "the run is finished"));
    }

    [Fact]
    public void PrepareFailed_ShardsAndExits()
    {
        Send(new Started());
        Send(new Connected());
        Send(Welcome(s_term));
        Expect(
            Send(new PrepareFailed(s_term, "no such data")),
            new SendLeave(s_term),
            new Exit(WorkerOutcome.Failed, "no such data"));
    }

    private static Welcomed Welcome(Term term) => new(term, new WorkerId(5), "plan", TimeSpan.FromSeconds(1));

    private static SumReady Sum(Step step, int level, int index, int shards, long ticket) =>
        new(s_term, step, new TreeNode(level, index), shards, Loss: 2, new GradientTicket(ticket));

    private static SendSum Sent(Step step, int level, int index, int shards, long ticket) =>
        new(s_term, step, new TreeNode(level, index), shards, Loss: 2, new GradientTicket(ticket));

    private static void Expect(List<WorkerEffect> actual, params WorkerEffect[] expected) =>
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
        Send(new ParametersArrived(s_term, step, s_parameters));
        Send(new Assigned(s_term, step, new ShardRange(first, end)));
    }

    private List<WorkerEffect> TickAtDeadline()
    {
        _now = Assert.NotNull(_machine.NextDeadline).SinceStart.TotalSeconds;
        return Send(new Tick());
    }

    private List<WorkerEffect> Send(WorkerEvent @event)
    {
        List<WorkerEffect> effects = [];
        _machine.Handle(@event, new Timestamp(TimeSpan.FromSeconds(_now)), effects);
        return effects;
    }
}
