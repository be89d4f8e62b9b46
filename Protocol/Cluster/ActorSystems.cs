using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Cluster;

/// <summary>Makes ActorSystems as these programs need them; the settings are in akka.conf and cluster.conf.</summary>
public static class ActorSystems
{
    /// <summary>What all systems of a cluster are called.</summary>
    public const string ClusterName = "distributed";

    /// <summary>One thread for all machines of a process.</summary>
    public const string TrainingDispatcher = "training-dispatcher";

    /// <summary>A thread for each actor that blocks.</summary>
    public const string BlockingDispatcher = "blocking-dispatcher";

    /// <summary>A system within one process, without a port.</summary>
    public static ActorSystem CreateLocal(string name)
    {
        ActorSystem system = ActorSystem.Create(name, Settings());
        UndeliveredMessages.ReleaseIn(system);
        return system;
    }

    /// <summary>A system that takes part in a cluster, or can.</summary>
    /// <param name="role">coordinator or worker.</param>
    /// <param name="transport">The process's port, and what this system calls itself.</param>
    /// <param name="refusals">Of the process: counts what is dropped unread.</param>
    /// <param name="holder">Makes it the one that downs members; null for all others.</param>
    public static ActorSystem CreateCluster(
        string role, TransportSetup transport, MessageRefusals refusals, HolderSetup? holder = null)
    {
        Config config = ConfigurationFactory.ParseString($"akka.cluster.roles = [{role}]")
            .WithFallback(ClusterSettings());
        ActorSystemSetup setup = BootstrapSetup.Create().WithConfig(config).And(transport).And(refusals);
        ActorSystem system = ActorSystem.Create(ClusterName, holder is null ? setup : setup.And(holder));
        UndeliveredMessages.ReleaseIn(system);
        MessageRefusals.HearIn(system);
        return system;
    }

    /// <summary>A system that asks a coordinator for its status, and takes part in nothing.</summary>
    public static ActorSystem CreateTool(TransportSetup transport)
    {
        Config config = ConfigurationFactory.ParseString(StatusSerializer.ReadingSettings)
            .WithFallback(ClusterSettings());
        return ActorSystem.Create(ClusterName, BootstrapSetup.Create().WithConfig(config).And(transport));
    }

    /// <summary>The settings that all systems share.</summary>
    public static Config Settings() => Read("akka.conf");

    /// <summary>The settings of systems that talk to other processes; without role and address.</summary>
    public static Config ClusterSettings() => Read("cluster.conf").WithFallback(Settings());

    private static Config Read(string name)
    {
        using Stream stream = typeof(ActorSystems).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
