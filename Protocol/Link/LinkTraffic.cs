namespace Distributed.Protocol.Link;

/// <summary>What some links have moved. Any thread.</summary>
public sealed class LinkTraffic
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
        LinkMetrics.Sent.Add(bytes);
    }

    internal void OnReceived(int bytes)
    {
        Interlocked.Add(ref _received, bytes);
        LinkMetrics.Received.Add(bytes);
    }
}
