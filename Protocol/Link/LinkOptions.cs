namespace Distributed.Protocol.Link;

/// <summary>A link's bounds. Silence between frames is the machines' business.</summary>
public sealed record LinkOptions
{
    /// <summary>Longest time for connecting, TLS and the answer to the request.</summary>
    public TimeSpan ConnectMax { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Longest wait for the first whole message of a new link.</summary>
    public TimeSpan FirstMessageMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time from a frame's first byte to its last: 256 KiB at 70 kbit/s.</summary>
    public TimeSpan FrameMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time for one write: a peer that does not read for so long is cut off.</summary>
    public TimeSpan WriteMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest wait, at closing, for what was sent to be read.</summary>
    public TimeSpan CloseMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the bounds are looked at.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Least time from one report of arrived bytes to the next.</summary>
    public TimeSpan HeardInterval { get; init; } = TimeSpan.FromSeconds(0.25);

    /// <summary>Most messages without floats that wait to be sent.</summary>
    public int ControlQueueMax { get; init; } = 4096;

    /// <summary>Most messages with floats that wait to be sent; their buffers are held meanwhile.</summary>
    public int BulkQueueMax { get; init; } = 256;
}
