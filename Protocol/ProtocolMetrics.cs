using System.Diagnostics.Metrics;

namespace Distributed.Protocol;

/// <summary>What this process's connections have done.</summary>
internal static class ProtocolMetrics
{
    private static readonly Meter s_meter = new("Distributed");

    /// <summary>Bytes that channels have written, before TLS.</summary>
    public static Counter<long> Sent { get; } =
        s_meter.CreateCounter<long>("distributed.channel.sent.bytes", unit: "By");

    /// <summary>Bytes that channels have read, after TLS.</summary>
    public static Counter<long> Received { get; } =
        s_meter.CreateCounter<long>("distributed.channel.received.bytes", unit: "By");

    /// <summary>What peers sent that is no message, or none that was expected.</summary>
    public static Counter<long> RefusedMessages { get; } =
        s_meter.CreateCounter<long>("distributed.messages.refused");

    /// <summary>Connections that came to nothing, by the reason.</summary>
    public static Counter<long> RefusedConnections { get; } =
        s_meter.CreateCounter<long>("distributed.connections.refused");

    /// <summary>Counts an Akka message that was dropped unread.</summary>
    /// <param name="serializer">Identifier of the serializer that refused it.</param>
    public static void OnRefused(int serializer) =>
        RefusedMessages.Add(1, new KeyValuePair<string, object?>("serializer", serializer));
}
