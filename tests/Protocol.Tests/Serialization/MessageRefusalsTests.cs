using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;
using Distributed.Protocol.Tests.Cluster;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>What is dropped unread is counted, and said once a minute at most.</summary>
public sealed class MessageRefusalsTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly ManualClock _clock = new();
    private readonly ActorSystem _peer = RemoteSystems.Open();
    private readonly ActorSystem _system;

    public MessageRefusalsTests()
    {
        _system = RemoteSystems.Closed(refusals: new MessageRefusals(_lines.Enqueue, _clock));
        MessageRefusals.HearIn(_system);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Task.WhenAll(_peer.Terminate(), _system.Terminate());

    /// <summary>
    /// Goal: a serializer that nobody has is counted and named. Method: over Akka.Remote; a right message that was told
    /// after it has arrived.
    /// </summary>
    [Fact]
    public void UnknownSerializer_IsCounted_AndSaidOnceAMinute()
    {
        using RefusalCounts counts = new();
        BlockingCollection<object> told = RemoteSystems.Record(_system, "coordinator");

        Send(new Forged(777, "", [1]));
        Assert.Equal(
            "A message of another process was dropped unread: nothing here reads serializer 777.", _lines.Single());
        Assert.Equal(1, counts["unknown"]);

        _clock.Advance(TimeSpan.FromSeconds(59));
        Send(new Forged(778, "", [1]));
        Send(new Forged(5501, "x", [0x91, 64]));
        Assert.Single(_lines);
        Assert.Equal(2, counts["unknown"]);

        _clock.Advance(TimeSpan.FromSeconds(1));
        Send(new Forged(1, "System.Object", []));
        Assert.Equal(
            "3 messages of other processes were dropped unread; the last one: Nothing is read by serializer 1.",
            _lines.Last());
        Assert.Equal(2, _lines.Count);

        void Send(Forged forged)
        {
            IActorRef victim = RemoteSystems.Resolve(_peer, _system, "/user/coordinator");
            WorkerMessage.Ready right = new(new Term(7));
            victim.Tell(forged, ActorRefs.NoSender);
            victim.Tell(right, ActorRefs.NoSender);
            Assert.True(told.TryTake(out object? first, RemoteSystems.Patience));
            Assert.Equal(right, first);
        }
    }

    /// <summary>The settings of real systems have what this rests on.</summary>
    [Fact]
    public void ClusterSettings_LetWarningsThrough_AndWriteNone()
    {
        Config settings = ActorSystems.ClusterSettings();
        Assert.Equal("WARNING", settings.GetString("akka.loglevel"));
        Assert.Empty(settings.GetStringList("akka.loggers"));
        Assert.Equal("OFF", settings.GetString("akka.stdout-loglevel"));
    }
}
