using System.Threading.Channels;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tests.Actors;

public sealed class FailureStrategyTests : TestKit
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly Channel<ActorFailedException> _failures = Channel.CreateUnbounded<ActorFailedException>();
    private readonly TestProbe _births;

    public FailureStrategyTests()
        : base(ActorSystems.Settings()) => _births = CreateTestProbe();

    [Fact]
    public async Task Actor_Fails_IsStoppedAndNamed_AndNotRestarted()
    {
        InvariantException cause = new("It does not hold.");
        IActorRef child = Start(isBorn: true, "coordinator");
        _births.ExpectMsg("born", s_patience);
        child.Tell(cause);
        ActorFailedException failure = await ReadAsync();
        Assert.Equal("coordinator", failure.Name);
        Assert.Equal("coordinator failed: It does not hold.", failure.Message);
        Assert.Same(cause, failure.InnerException);
        ExpectTerminated(child, s_patience);
        _births.ExpectNoMsg(TimeSpan.FromSeconds(0.1));
        Assert.False(_failures.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Actor_FailsInItsConstructor_IsNamedWithWhatItThrew()
    {
        IActorRef child = Start(isBorn: false, "worker");
        ActorFailedException failure = await ReadAsync();
        Assert.Equal("worker", failure.Name);
        Assert.Equal("Not born.", Assert.IsType<InvariantException>(failure.InnerException).Message);
        ExpectTerminated(child, s_patience);
    }

    private async Task<ActorFailedException> ReadAsync()
    {
        using CancellationTokenSource patience = new(s_patience);
        return await _failures.Reader.ReadAsync(patience.Token);
    }

    private IActorRef Start(bool isBorn, string name)
    {
        IActorRef probe = _births;
        Action<ActorFailedException> onFailure = failure => _failures.Writer.TryWrite(failure);
        IActorRef root = Sys.ActorOf(Props.Create(() => new RootActor(onFailure)));
        root.Tell(new RootActor.Start(Props.Create(() => new Child(probe, isBorn)), name), TestActor);
        return Watch(ExpectMsg<IActorRef>(s_patience));
    }

    private sealed class Child : UntypedActor
    {
        public Child(IActorRef births, bool isBorn)
        {
            Invariant.Assert(isBorn, "Not born.");
            births.Tell("born");
        }

        protected override void OnReceive(object message) => throw (Exception)message;
    }
}
