namespace Distributed.Protocol.Link;

/// <summary>Since when a link waits for what: written by its loops, looked at by a timer.</summary>
internal sealed class LinkClock(LinkOptions options, TimeProvider time)
{
    private const long Never = 0;

    private readonly long _born = time.GetTimestamp();
    private long _writeBegan;
    private long _frameBegan;
    private long _heard;
    private bool _hasMessage;

    /// <summary>A write begins.</summary>
    public void BeginWrite() => Volatile.Write(ref _writeBegan, Now());

    /// <summary>The write is done.</summary>
    public void EndWrite() => Volatile.Write(ref _writeBegan, Never);

    /// <summary>The first bytes of a frame are here.</summary>
    public void BeginFrame() => Volatile.Write(ref _frameBegan, Now());

    /// <summary>The frame is whole.</summary>
    public void EndFrame()
    {
        Volatile.Write(ref _hasMessage, true);
        Volatile.Write(ref _frameBegan, Never);
    }

    /// <summary>Bytes arrived; true if it is time to say so.</summary>
    public bool Hear()
    {
        if (_heard != Never && time.GetElapsedTime(_heard) < options.HeardInterval)
        {
            return false;
        }

        _heard = Now();
        return true;
    }

    /// <summary>Which bound is passed; null if none.</summary>
    public string? WhyTooLate() =>
        !Volatile.Read(ref _hasMessage) && time.GetElapsedTime(_born) > options.FirstMessageMax
            ? $"no message within {Seconds(options.FirstMessageMax)}"
        : HasPassed(Volatile.Read(ref _writeBegan), options.WriteMax)
            ? $"the other end did not read for {Seconds(options.WriteMax)}"
        : HasPassed(Volatile.Read(ref _frameBegan), options.FrameMax)
            ? $"a frame took more than {Seconds(options.FrameMax)}"
        : null;

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:0.#} s";

    private bool HasPassed(long began, TimeSpan max) => began != Never && time.GetElapsedTime(began) > max;

    private long Now() => Math.Max(1, time.GetTimestamp());
}
