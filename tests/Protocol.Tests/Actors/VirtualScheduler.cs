using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit;

namespace Distributed.Protocol.Tests.Actors;

/// <summary>TestKit's scheduler, whose monotonic clock is virtual too: it is what machines live by.</summary>
public sealed class VirtualScheduler : TestScheduler, IScheduler
{
    private readonly DateTimeOffset _start;

    public VirtualScheduler(Config config, ILoggingAdapter log)
        : base(config, log) => _start = Now;

    TimeSpan ITimeProvider.MonotonicClock => Now - _start;

    TimeSpan ITimeProvider.HighResMonotonicClock => Now - _start;

    /// <summary>Settings of a system with this scheduler, without TestKit's lines about dead letters.</summary>
    public static Config Settings { get; } = ConfigurationFactory.ParseString($"""
        akka.scheduler.implementation = "{typeof(VirtualScheduler).AssemblyQualifiedName}"
        akka.loggers = []
        akka.test.single-expect-default = 30s
        """);
}
