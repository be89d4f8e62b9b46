namespace Distributed.Protocol.Tensors;

/// <summary>A channel's bounds. Silence between frames is the machines' business.</summary>
public sealed record ChannelLimits
{
    /// <summary>
    /// Most bytes that wait to be sent; over it the channel is cut off. A payload that waits alone may be larger.
    /// </summary>
    public long QueueBytesMax { get; init; } = 64_000_000;

    /// <summary>Longest time from a frame's first byte to its last: 256 KiB at 70 kbit/s.</summary>
    public TimeSpan FrameMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time for one write: a peer that does not read for so long is cut off.</summary>
    public TimeSpan WriteMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Longest wait, at closing, for the other end to close too, and for floats that are not final.</summary>
    public TimeSpan CloseMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the bounds are looked at.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Least time from one report of arrived bytes to the next.</summary>
    public TimeSpan HeardInterval { get; init; } = TimeSpan.FromSeconds(0.25);
}
