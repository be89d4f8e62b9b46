using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>ActorSystems that talk over loopback, by Akka's own plain transport.</summary>
internal static class RemoteSystems
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string Transport = """
        akka.remote.dot-netty.tcp {
          transport-class = "Akka.Remote.Transport.DotNetty.TcpTransport, Akka.Remote"
          hostname = 127.0.0.1
          port = 0
        }
        akka.cluster.downing-provider-class = ""
        """;

    /// <summary>A system with the product's settings, and some that go before them.</summary>
    public static ActorSystem Closed(string settings = "", MessageRefusals? refusals = null)
    {
        BootstrapSetup setup = BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(settings)
            .WithFallback(ConfigurationFactory.ParseString(Transport))
            .WithFallback(ActorSystems.ClusterSettings()));
        return refusals is null
            ? ActorSystem.Create("distributed", setup)
            : ActorSystem.Create("distributed", setup.And(refusals));
    }

    /// <summary>A system with Akka's own settings that can also forge messages, see <see cref="Forged"/>.</summary>
    public static ActorSystem Open(string settings = "") => ActorSystem.Create(
        "distributed",
        ConfigurationFactory.ParseString($$"""
            akka.actor {
              provider = remote
              serialization-settings.allow-unregistered-types = on
              serializers.forging = "{{typeof(ForgingSerializer).AssemblyQualifiedName}}"
              serializers.messages = "Distributed.Protocol.Serialization.MessageSerializer, Distributed.Protocol"
              serialization-bindings {
                "{{typeof(Forged).AssemblyQualifiedName}}" = forging
                "Distributed.Protocol.Messages.WorkerMessage, Distributed.Protocol" = messages
              }
            }
            {{settings}}
            """).WithFallback(ConfigurationFactory.ParseString(Transport)).WithFallback(ActorSystems.Settings()));

    public static Address AddressOf(ActorSystem system) => ((ExtendedActorSystem)system).Provider.DefaultAddress;

    /// <summary>An actor that keeps what it is told.</summary>
    public static BlockingCollection<object> Record(ActorSystem system, string name)
    {
        BlockingCollection<object> told = [];
        system.ActorOf(ActorProps.Of(() => new Recorder(told)), name);
        return told;
    }

    public static IActorRef Resolve(ActorSystem from, ActorSystem at, string path) =>
        ((ExtendedActorSystem)from).Provider.ResolveActorRef($"{AddressOf(at)}{path}");

    private sealed class Recorder(BlockingCollection<object> told) : UntypedActor
    {
        protected override void OnReceive(object message) => told.Add(message);

        protected override void PostRestart(Exception reason) => told.Add("restarted");

        protected override void PostStop() => told.Add("stopped");
    }
}

/// <summary>Goes over the wire as these bytes, by the serializer of this identifier.</summary>
public sealed record Forged(int Serializer, string Manifest, byte[] Bytes);

/// <summary>Writes what it is given; Akka asks for the identifier afterwards.</summary>
public sealed class ForgingSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private int _identifier = 9999;

    public override int Identifier => _identifier;

    public override string Manifest(object o) => ((Forged)o).Manifest;

    public override byte[] ToBinary(object obj)
    {
        _identifier = ((Forged)obj).Serializer;
        return ((Forged)obj).Bytes;
    }

    public override object FromBinary(byte[] bytes, string manifest) => throw new NotSupportedException();
}
