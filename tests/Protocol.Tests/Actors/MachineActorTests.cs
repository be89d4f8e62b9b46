using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tests.Actors;

/// <summary>A machine that orders what it is told to, and an actor that tells the test what it performs.</summary>
public sealed class MachineActorTests() : TestKit(VirtualScheduler.Settings.WithFallback(ActorSystems.Settings()))
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_noMessage = TimeSpan.FromSeconds(0.1);

    private VirtualScheduler Time => (VirtualScheduler)Sys.Scheduler;

    [Fact]
    public void Orders_AreTakenInTheirOrder_AlsoThoseOfAReportFromWithinOne()
    {
        IActorRef actor = Start();
        actor.Tell("a report:b c");
        ExpectMsg("a", s_patience);
        ExpectMsg("report:b", s_patience);
        ExpectMsg("c", s_patience);
        ExpectMsg("b", s_patience);
    }

    [Fact]
    public void Deadline_IsATick_AtItsTimeAndNotBefore()
    {
        IActorRef actor = Start();
        actor.Tell("wake:10");
        ExpectMsg("wake:10", s_patience);
        Advance(actor, TimeSpan.FromSeconds(9.9));
        ExpectNoMsg(s_noMessage);
        Advance(actor, TimeSpan.FromSeconds(0.1));
        ExpectMsg("tick at 10s", s_patience);
        Advance(actor, TimeSpan.FromSeconds(100));
        ExpectNoMsg(s_noMessage);
    }

    [Fact]
    public void Deadline_MovedNearer_IsKept_AndMovedAway_IsATickThatDoesNothingAndTheDeadlineAgain()
    {
        IActorRef actor = Start();
        actor.Tell("wake:10");
        actor.Tell("wake:5");
        ExpectMsg("wake:10", s_patience);
        ExpectMsg("wake:5", s_patience);
        Advance(actor, TimeSpan.FromSeconds(5));
        ExpectMsg("tick at 5s", s_patience);

        actor.Tell("wake:10");
        actor.Tell("wake:20");
        ExpectMsg("wake:10", s_patience);
        ExpectMsg("wake:20", s_patience);
        Advance(actor, TimeSpan.FromSeconds(5));
        ExpectMsg("early", s_patience);
        Advance(actor, TimeSpan.FromSeconds(10));
        ExpectMsg("tick at 20s", s_patience);
    }

    /// <summary>Only when the actor has set its timer for what it has performed.</summary>
    private void Advance(IActorRef actor, TimeSpan time)
    {
        actor.Tell(new Identify(messageId: null));
        ExpectMsg<ActorIdentity>(s_patience);
        Time.Advance(time);
    }

    private IActorRef Start()
    {
        IActorRef test = TestActor;
        return Sys.ActorOf(Props.Create(() => new EchoActor(test)));
    }

    /// <summary>Orders each word of a report; wake:N sets the deadline to second N.</summary>
    private sealed class EchoMachine : IMachine<string, string>
    {
        public Timestamp? NextDeadline { get; private set; }

        public void Handle(string report, Timestamp now, ICollection<string> orders)
        {
            if (report != "tick")
            {
                foreach (string word in report.Split(' '))
                {
                    orders.Add(word);
                    NextDeadline = word.StartsWith("wake:", StringComparison.Ordinal)
                        ? new Timestamp(TimeSpan.FromSeconds(int.Parse(word[5..], null)))
                        : NextDeadline;
                }
            }
            else if (now >= NextDeadline)
            {
                orders.Add($"tick at {now}");
                NextDeadline = null;
            }
            else
            {
                orders.Add("early");
            }
        }
    }

    private sealed class EchoActor(IActorRef test) : MachineActor<string, string>(new EchoMachine(), "tick")
    {
        protected override void OnMessage(object message) => Report((string)message);

        protected override void Perform(string order)
        {
            test.Tell(order);
            if (order.StartsWith("report:", StringComparison.Ordinal))
            {
                Report(order[7..]);
            }
        }
    }
}
