using System.Diagnostics.Metrics;

namespace Distributed.Protocol.Serialization;

/// <summary>Counts what peers sent as Akka messages and was dropped unread.</summary>
internal static class RefusedMessages
{
    private static readonly Meter s_meter = new("Distributed");
    private static readonly Counter<long> s_refused = s_meter.CreateCounter<long>("distributed.messages.refused");

    /// <summary>Counts one.</summary>
    /// <param name="serializer">Identifier of the serializer that refused it.</param>
    public static void Count(int serializer) =>
        s_refused.Add(1, new KeyValuePair<string, object?>("serializer", serializer));
}
