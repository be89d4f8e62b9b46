using System.Diagnostics.Metrics;

namespace Distributed.Protocol;

/// <summary>What this process's connections have done.</summary>
public static class ProtocolMetrics
{
    private static readonly Meter s_meter = new("Distributed");

    /// <summary>Bytes that channels have written, before TLS.</summary>
    internal static Counter<long> Sent { get; } =
        s_meter.CreateCounter<long>("distributed.channel.sent.bytes", unit: "By");

    /// <summary>Bytes that channels have read, after TLS.</summary>
    internal static Counter<long> Received { get; } =
        s_meter.CreateCounter<long>("distributed.channel.received.bytes", unit: "By");

    /// <summary>What peers sent that is no message, or none that was expected.</summary>
    internal static Counter<long> RefusedMessages { get; } =
        s_meter.CreateCounter<long>("distributed.messages.refused");

    /// <summary>Connections that came to nothing, by the reason.</summary>
    internal static Counter<long> RefusedConnections { get; } =
        s_meter.CreateCounter<long>("distributed.connections.refused");

    /// <summary>Shows all of them, which before their first event nobody who reads metrics would find.</summary>
    public static void ShowZeros()
    {
        foreach (Counter<long> counter in (Counter<long>[])[Sent, Received, RefusedMessages, RefusedConnections])
        {
            counter.Add(0);
        }
    }

    /// <summary>Counts an Akka message that was dropped unread.</summary>
    /// <param name="serializer">Identifier of the serializer that refused it.</param>
    internal static void OnRefused(int serializer) =>
        RefusedMessages.Add(1, new KeyValuePair<string, object?>("serializer", serializer));

    /// <summary>Counts a frame of a tensor channel that is none, or was not expected.</summary>
    internal static void OnRefusedFrame() =>
        RefusedMessages.Add(1, new KeyValuePair<string, object?>("serializer", "channel"));

    /// <summary>Counts an Akka message that nothing here reads.</summary>
    internal static void OnUnknownSerializer() =>
        RefusedMessages.Add(1, new KeyValuePair<string, object?>("serializer", "unknown"));
}
