namespace Distributed.Protocol.Tensors;

/// <summary>Since when a channel waits for what: written by its threads, looked at by a timer.</summary>
internal sealed class ChannelClock(ChannelLimits limits)
{
    private const long Never = 0;

    private long _writeBegan;
    private long _frameBegan;
    private long _closingBegan;
    private long _heard;

    /// <summary>A write begins.</summary>
    public void BeginWrite() => Volatile.Write(ref _writeBegan, Now());

    /// <summary>The write is done.</summary>
    public void EndWrite() => Volatile.Write(ref _writeBegan, Never);

    /// <summary>The first bytes of a frame are here.</summary>
    public void BeginFrame() => Volatile.Write(ref _frameBegan, Now());

    /// <summary>The frame is whole.</summary>
    public void EndFrame() => Volatile.Write(ref _frameBegan, Never);

    /// <summary>One direction is over.</summary>
    public void BeginClosing() => Interlocked.CompareExchange(ref _closingBegan, Now(), Never);

    /// <summary>Bytes arrived; true if it is time to say so.</summary>
    public bool Hear()
    {
        if (_heard != Never && !HasPassed(_heard, limits.HeardInterval))
        {
            return false;
        }

        _heard = Now();
        return true;
    }

    /// <summary>Which bound is passed; null if none.</summary>
    public string? WhyTooLate() =>
        HasPassed(Volatile.Read(ref _writeBegan), limits.WriteMax)
            ? $"the other end did not read for {Seconds(limits.WriteMax)}"
        : HasPassed(Volatile.Read(ref _frameBegan), limits.FrameMax)
            ? $"a frame took more than {Seconds(limits.FrameMax)}"
        : HasPassed(Volatile.Read(ref _closingBegan), limits.CloseMax)
            ? $"the other end did not close within {Seconds(limits.CloseMax)}"
        : null;

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:0.#} s";

    private static bool HasPassed(long began, TimeSpan max) =>
        began != Never && Now() - began > (long)max.TotalMilliseconds;

    /// <summary>Milliseconds, never 0.</summary>
    private static long Now() => Math.Max(1, Environment.TickCount64);
}
