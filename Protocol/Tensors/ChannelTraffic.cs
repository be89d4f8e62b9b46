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
            ProtocolMetrics.Sent.Add(bytes);
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
            ProtocolMetrics.Received.Add(bytes);
        }
        else
        {
            total.OnReceived(bytes);
        }
    }
}
