using System.Diagnostics.Metrics;

namespace Distributed.Protocol.Link;

/// <summary>What all links of this process have moved.</summary>
internal static class LinkMetrics
{
    private static readonly Meter s_meter = new("Distributed");

    /// <summary>Bytes written, before TLS.</summary>
    public static Counter<long> Sent { get; } = s_meter.CreateCounter<long>("distributed.link.sent.bytes", unit: "By");

    /// <summary>Bytes read, after TLS.</summary>
    public static Counter<long> Received { get; } =
        s_meter.CreateCounter<long>("distributed.link.received.bytes", unit: "By");
}
