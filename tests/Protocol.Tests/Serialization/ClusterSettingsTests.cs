using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;
using AkkaCluster = Akka.Cluster.Cluster;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>What the settings shut out must not be what a cluster needs.</summary>
public sealed class ClusterSettingsTests
{
    [Fact]
    public async Task Cluster_Forms_SeesWhoGoesAndCarriesMessages()
    {
        ActorSystem first = RemoteSystems.Closed("akka.cluster.roles = [coordinator]");
        ActorSystem second = RemoteSystems.Closed("akka.cluster.roles = [worker]");
        BlockingCollection<object> told = RemoteSystems.Record(first, "coordinator");
        AkkaCluster cluster = AkkaCluster.Get(first);
        await cluster.JoinAsync(cluster.SelfAddress).WaitAsync(RemoteSystems.Patience);
        await AkkaCluster.Get(second).JoinAsync(cluster.SelfAddress).WaitAsync(RemoteSystems.Patience);
        second.ActorSelection(cluster.SelfAddress + "/user/coordinator").Tell(new StatusRequest(), ActorRefs.NoSender);
        Assert.True(told.TryTake(out object? request, RemoteSystems.Patience));
        Assert.Equal(new StatusRequest(), request);
        Assert.True(SpinWait.SpinUntil(() => cluster.State.Members.Count == 2, RemoteSystems.Patience));

        // Gone without a word: signs of life came before, so that they are missed now.
        await second.Terminate();
        Assert.True(SpinWait.SpinUntil(() => cluster.State.Unreachable.Count == 1, RemoteSystems.Patience));
        await first.Terminate();
    }

    [Fact]
    public async Task Status_IsAnswered_ToAPeerThatIsNoMember()
    {
        ActorSystem holder = RemoteSystems.Closed();
        ActorSystem peer = RemoteSystems.Closed($"akka.actor.provider = remote\n{StatusSerializer.ReadingSettings}");
        holder.ActorOf(ActorProps.Of(() => new Answering()), "coordinator");
        ActorSelection coordinator = peer.ActorSelection(RemoteSystems.AddressOf(holder) + "/user/coordinator");
        RunStatus status = await coordinator.Ask<RunStatus>(new StatusRequest(), RemoteSystems.Patience);
        Assert.Equal((7, "beta"), (status.Step, Assert.Single(status.Workers).Name));
        await Task.WhenAll(holder.Terminate(), peer.Terminate());
    }

    /// <summary>Method: without one of the paths Akka says that it drops what came for it.</summary>
    [Theory]
    [InlineData("", "/system/cluster/core/daemon")]
    [InlineData("\"/system/cluster/core/daemon\"", "/system/cluster/heartbeatReceiver")]
    public async Task TrustedPath_IsNeeded(string trusted, string dropped)
    {
        ActorSystem first = RemoteSystems.Closed($"""
            akka.loglevel = DEBUG
            akka.loggers = []
            akka.remote.trusted-selection-paths = [{trusted}]
            """);
        ActorSystem second = RemoteSystems.Closed();
        BlockingCollection<object> log = RemoteSystems.Record(first, "log");
        IActorRef recorder = await first.ActorSelection("/user/log").ResolveOne(RemoteSystems.Patience);
        first.EventStream.Subscribe(recorder, typeof(Debug));
        AkkaCluster cluster = AkkaCluster.Get(first);
        await cluster.JoinAsync(cluster.SelfAddress).WaitAsync(RemoteSystems.Patience);
        AkkaCluster.Get(second).Join(cluster.SelfAddress);
        string text;
        do
        {
            Assert.True(log.TryTake(out object? line, RemoteSystems.Patience));
            text = line.ToString()!;
        }
        while (!text.Contains($"dropping inbound actor selection to [{dropped}]", StringComparison.Ordinal));

        await Task.WhenAll(first.Terminate(), second.Terminate());
    }

    private sealed class Answering : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(new RunStatus
        {
            Run = "run",
            State = "training",
            Step = 7,
            Epoch = 0,
            Term = 1,
            Workers = [new WorkerStatus("beta", "10.0.0.7", 2, WorkerKind.Member, "computing", 1, 1, 1, 1, 0.5)],
        });
    }
}
