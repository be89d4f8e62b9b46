using Akka.Actor;
using Akka.Configuration;
using Distributed.Protocol.Actors;

namespace Distributed.Protocol.Cluster;

/// <summary>Makes ActorSystems as these programs need them; the settings are in akka.conf and cluster.conf.</summary>
public static class ActorSystems
{
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
