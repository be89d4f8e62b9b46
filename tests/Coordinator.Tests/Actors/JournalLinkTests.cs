using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Protocol.Machines;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>What is on its way to the journal has a bound, whatever comes.</summary>
public sealed class JournalLinkTests : TestKit
{
    private readonly TestProbe _journal;
    private readonly JournalLink _link;

    public JournalLinkTests()
        : base("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
    {
        _journal = CreateTestProbe();
        _link = new JournalLink(_journal, TestActor, TimeSpan.Zero, recordsMax: 3);
    }

    [Fact]
    public void Steps_AreNeverLeftOut_AndAreFullUntilTaken()
    {
        for (int step = 1; step <= 4; step++)
        {
            Assert.Equal(step > 3, _link.IsFull);
            _link.Add(new StepResult(step, default, 1, default, 1, 0, 0), Timestamp.Zero);
        }

        JournalActor.Steps[] told = [.. Enumerable.Range(0, 4).Select(_ => _journal.ExpectMsg<JournalActor.Steps>())];
        Assert.Equal([1, 2, 3, 4], told.Select(steps => Assert.Single(steps.Results).Steps));
        _link.OnTaken(new JournalActor.Taken(told[0]));
        Assert.True(_link.IsFull);
        _link.OnTaken(new JournalActor.Taken(told[1]));
        Assert.False(_link.IsFull);
    }

    [Fact]
    public void Lines_BeyondTheBound_AreCounted()
    {
        for (int i = 0; i < 1007; i++)
        {
            _link.Note($"line {i}");
        }

        JournalActor.Note first = _journal.ExpectMsg<JournalActor.Note>();
        for (int i = 1; i < 1000; i++)
        {
            Assert.Equal($"line {i}", _journal.ExpectMsg<JournalActor.Note>().Line);
        }

        Assert.False(_journal.HasMessages);
        _link.OnTaken(new JournalActor.Taken(first));
        _link.Note("the next");
        Assert.Equal("7 lines are left out here", _journal.ExpectMsg<JournalActor.Note>().Line);
        Assert.Equal("the next", _journal.ExpectMsg<JournalActor.Note>().Line);
    }

    /// <summary>Of all numbers while one is on its way, the journal hears the last.</summary>
    [Fact]
    public void Workers_AreOneMessageAtATime()
    {
        _link.Workers(0);
        Assert.False(_journal.HasMessages);
        _link.Workers(1);
        _link.Workers(2);
        _link.Workers(3);
        JournalActor.Workers first = _journal.ExpectMsg<JournalActor.Workers>();
        Assert.Equal(1, first.Count);
        Assert.False(_journal.HasMessages);
        _link.OnTaken(new JournalActor.Taken(first));
        JournalActor.Workers last = _journal.ExpectMsg<JournalActor.Workers>();
        Assert.Equal(3, last.Count);
        _link.OnTaken(new JournalActor.Taken(last));
        Assert.False(_journal.HasMessages);
    }
}
