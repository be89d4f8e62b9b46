using System.Buffers;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Tests.Actors;

public sealed class UndeliveredMessagesTests() : TestKit(ActorSystems.Settings())
{
    /// <summary>In the mailbox when the actor ends, and after its end.</summary>
    [Fact]
    public void Payload_OfAMessageToAnActorThatEnded_IsReleasedOnce()
    {
        UndeliveredMessages.ReleaseIn(Sys);
        using ManualResetEventSlim blocked = new();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Blocked(blocked)));
        Watch(actor);
        Floats[] floats = [new(), new(), new()];
        actor.Tell("stop");
        actor.Tell(Weights(floats[0]));
        actor.Tell(new WorkerMessage.Leave(new Term(1)));
        actor.Tell(Weights(floats[1]));
        blocked.Set();
        ExpectTerminated(actor, TimeSpan.FromSeconds(30));
        Assert.True(floats[0].IsDisposed && floats[1].IsDisposed);
        Assert.False(floats[2].IsDisposed);
        actor.Tell(Weights(floats[2]));
        AwaitCondition(() => floats[2].IsDisposed, TimeSpan.FromSeconds(30));
    }

    private static CoordinatorMessage.Weights Weights(IMemoryOwner<float> payload) =>
        new(new Term(1), new Step(0)) { Payload = payload };

    private sealed class Blocked(ManualResetEventSlim blocked) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            blocked.Wait();
            Context.Stop(Self);
        }
    }

    private sealed class Floats : IMemoryOwner<float>
    {
        private int _disposals;

        public Memory<float> Memory { get; } = new float[1];

        public bool IsDisposed => Volatile.Read(ref _disposals) == 1;

        public void Dispose() => Interlocked.Increment(ref _disposals);
    }
}
