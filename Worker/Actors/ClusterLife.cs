using Akka.Actor;
using Akka.Remote;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;
using Distributed.Protocol.Tensors;

namespace Distributed.Worker.Actors;

/// <summary>One life of a worker among others: an ActorSystem that takes part in one coordinator's cluster.</summary>
internal sealed class ClusterLife : IAsyncDisposable
{
    private static readonly TimeSpan s_terminateMax = TimeSpan.FromSeconds(2);

    private readonly ActorSystem _system;
    private readonly Address _holder;
    private int _sessions;
    private volatile string? _whyOver;
    private volatile CoordinatorSession? _session;

    /// <summary>Makes the system, and joins.</summary>
    public ClusterLife(TransportSetup transport, MessageRefusals refusals, ProbeAnswer holder)
    {
        ClusterId = holder.ClusterId;
        _system = ActorSystems.CreateCluster("worker", transport, refusals);
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(_system);
        Address self = cluster.SelfAddress;
        _holder = new Address(self.Protocol, self.System, holder.Address!.Host, holder.Address.Port);
        if (holder.IsDialled)
        {
            cluster.RegisterOnMemberRemoved(OnRemoved);
            cluster.JoinSeedNodes([_holder]);
        }
    }

    /// <summary>Of the cluster that it takes part in.</summary>
    public string ClusterId { get; }

    /// <summary>Why this system can do nothing more; null while it can.</summary>
    public string? WhyOver => _whyOver;

    /// <summary>Begins a session with the coordinator.</summary>
    public ICoordinatorSession Open(
        HostPort dialled,
        Credential credential,
        IChannelHandler<CoordinatorMessage> handler,
        Action<IReadOnlyList<string>> learn,
        Action<Exception> onFault)
    {
        ActorSelection gateway = _system.ActorSelection(new RootActorPath(_holder) / "user" / "coordinator");
        CoordinatorSession session = new(gateway, dialled, credential, handler, learn, onFault);
        _session = session;
        session.Actor = _system.ActorOf(
            ActorProps.Of(() => new SessionActor(session, _holder, End)), $"session-{++_sessions}");
        return session;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAny(_system.Terminate(), Task.Delay(s_terminateMax));

    private void End(string why) => _whyOver ??= why;

    /// <summary>A member that was removed cannot come back with this system, though its channel may stand.</summary>
    private void OnRemoved()
    {
        const string Why = "removed from the cluster";
        End(Why);
        _session?.OnOver(Why);
    }

    /// <summary>A session's ear among actors.</summary>
    private sealed class SessionActor(CoordinatorSession session, Address holder, Action<string> end) : UntypedActor
    {
        protected override void PreStart()
        {
            Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
            Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        }

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case CoordinatorMessage said:
                    session.OnSaid(said);
                    break;
                case ThisActorSystemQuarantinedEvent:
                    end("quarantined");
                    session.OnOver("this system is quarantined");
                    break;
                case DisassociatedEvent gone when gone.RemoteAddress == holder:
                    session.OnCut("the connection ended");
                    break;
            }
        }
    }
}
