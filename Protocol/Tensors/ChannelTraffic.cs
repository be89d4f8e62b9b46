using System.Diagnostics.Metrics;

namespace Distributed.Protocol.Tensors;

/// <summary>What some channels have moved. Any thread.</summary>
/// <param name="total">Counts the same for several; null for none.</param>
public sealed class ChannelTraffic(ChannelTraffic? total = null)
{
    private long _sent;
    private long _received;

    /// <summary>Bytes written, before TLS.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes read, after TLS.</summary>
    public long Received => Interlocked.Read(ref _received);

    internal void OnSent(int bytes)
    {
        Interlocked.Add(ref _sent, bytes);
        if (total is null)
        {
            ChannelMetrics.Sent.Add(bytes);
        }
        else
        {
            total.OnSent(bytes);
        }
    }

    internal void OnReceived(int bytes)
    {
        Interlocked.Add(ref _received, bytes);
        if (total is null)
        {
            ChannelMetrics.Received.Add(bytes);
        }
        else
        {
            total.OnReceived(bytes);
        }
    }
}

/// <summary>What all channels of this process have done.</summary>
internal static class ChannelMetrics
{
    private static readonly Meter s_meter = new("Distributed");

    /// <summary>Bytes written, before TLS.</summary>
    public static Counter<long> Sent { get; } =
        s_meter.CreateCounter<long>("distributed.channel.sent.bytes", unit: "By");

    /// <summary>Bytes read, after TLS.</summary>
    public static Counter<long> Received { get; } =
        s_meter.CreateCounter<long>("distributed.channel.received.bytes", unit: "By");

    /// <summary>What peers sent that is no message, or none that was expected.</summary>
    public static Counter<long> Refused { get; } = s_meter.CreateCounter<long>("distributed.messages.refused");
}
