using System.Buffers;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Link;

/// <summary>One end of a link: a stream, a queue, a loop that reads and a loop that writes.</summary>
/// <remarks>
/// <code>
/// ends when                                   then
/// Close is called                             the queue is written, then an end; waits for the other's end
/// the other end says that it ends             answers with an end
/// a bound is passed, the peer breaks a rule   cut off at once
/// </code>
/// The waiting for the other's end keeps a last message from being lost in a reset of the connection.
/// </remarks>
#pragma warning disable CA1001 // The queue is let go at the end of RunAsync; the token source has no timer.
internal sealed class LinkConnection<TOut, TIn> : ILinkTarget<TIn>
#pragma warning restore CA1001
    where TOut : class
    where TIn : class
{
    private readonly Stream _stream;
    private readonly WireFormat<TOut, TIn> _format;
    private readonly ILinkTarget<TIn> _target;
    private readonly Action<string> _onClosed;
    private readonly LinkOptions _options;
    private readonly TimeProvider _time;
    private readonly LinkQueue<TOut> _queue;
    private readonly LinkClock _clock;
    private readonly LinkTraffic _traffic;
    private readonly CancellationTokenSource _cut = new();
    private string? _ownReason;
    private string? _cutReason;

    /// <summary>What ended the loop that ended first; told to the other end.</summary>
    private string _firstReason = "";

    /// <summary>An end that does nothing before <see cref="RunAsync"/>, but takes messages.</summary>
    /// <param name="stream">Both ways; not owned.</param>
    /// <param name="format">The messages of this end.</param>
    /// <param name="target">Gets what arrives, until this end closes.</param>
    /// <param name="onClosed">Told once of an end that is not this end's own doing.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="time">The system clock, or a fake one.</param>
    /// <param name="traffic">Counts bytes; null if nobody asks.</param>
    public LinkConnection(
        Stream stream,
        WireFormat<TOut, TIn> format,
        ILinkTarget<TIn> target,
        Action<string> onClosed,
        LinkOptions options,
        TimeProvider time,
        LinkTraffic? traffic = null)
    {
        _stream = stream;
        _format = format;
        _target = target;
        _onClosed = onClosed;
        _options = options;
        _time = time;
        _traffic = traffic ?? new LinkTraffic();
        _queue = new LinkQueue<TOut>(options.ControlQueueMax, options.BulkQueueMax, format.Supersedes);
        _clock = new LinkClock(options, time);
    }

    private bool IsOwnEnd => Volatile.Read(ref _ownReason) is not null;

    /// <summary>Queues a message. If there is no room, the peer does not keep up and is cut off.</summary>
    public void Send(TOut message, IMemoryOwner<float>? bulk)
    {
        if (!_queue.TryAdd(message, bulk))
        {
            Cut("too many messages wait to be sent");
        }
    }

    /// <summary>Ends after what was sent; nothing more is received.</summary>
    public void Close(string why)
    {
        Interlocked.CompareExchange(ref _ownReason, why, null);
        _queue.Close();
    }

    /// <summary>Ends at once.</summary>
    public void Cut(string why)
    {
        if (Interlocked.CompareExchange(ref _cutReason, why, null) is null)
        {
            // Not on the caller's thread: it may hold a lock, or be a loop of this link.
            _ = _cut.CancelAsync();
        }
    }

    /// <summary>Runs until the link is over; never throws for anything that a peer or a network can do.</summary>
    public async Task RunAsync()
    {
        using ITimer watch = _time.CreateTimer(_ => Watch(), null, _options.WatchInterval, _options.WatchInterval);
        LinkReader<TOut, TIn> reader = new(_stream, _format, this, _clock, _traffic);
        LinkWriter<TOut, TIn> writer = new(_stream, _format, _queue, _clock, _traffic);
        Task<string> reading = Guard(reader.RunAsync(_cut.Token));
        Task<string> writing = Guard(WriteAsync(writer));
        try
        {
            Task<string> first = await Task.WhenAny(reading, writing);
            _firstReason = await first;
            _queue.Close();
            Task other = first == reading ? writing : reading;
            await Task.WhenAny(other, Task.Delay(_options.CloseMax, _time, _cut.Token));
        }
        finally
        {
            // Loops that still wait for the stream end when it does.
            Cut(_firstReason);
            await Task.WhenAll(reading, writing);
            await _stream.DisposeAsync();
            reader.Dispose();
            writer.Dispose();
            _queue.Dispose();
            if (!IsOwnEnd)
            {
                _onClosed(Volatile.Read(ref _cutReason) is { Length: > 0 } reason ? reason : _firstReason);
            }
        }
    }

    /// <inheritdoc/>
    void ILinkTarget<TIn>.OnHeard()
    {
        if (!IsOwnEnd)
        {
            _target.OnHeard();
        }
    }

    /// <inheritdoc/>
    IMemoryOwner<float> ILinkTarget<TIn>.Rent(TIn message, int floatCount) => _target.Rent(message, floatCount);

    /// <inheritdoc/>
    void ILinkTarget<TIn>.OnMessage(TIn message, IMemoryOwner<float>? bulk)
    {
        if (IsOwnEnd)
        {
            bulk?.Dispose();
        }
        else
        {
            _target.OnMessage(message, bulk);
        }
    }

    /// <summary>What ended a loop, in words. Our own mistakes are not caught.</summary>
    private static async Task<string> Guard(Task<string> loop)
    {
        try
        {
            return await loop;
        }
        catch (Exception exception) when (exception is IOException or ProtocolException or OperationCanceledException
            or ObjectDisposedException or InvalidOperationException)
        {
            return exception.Message;
        }
    }

    private async Task<string> WriteAsync(LinkWriter<TOut, TIn> writer)
    {
        await writer.RunAsync(() => Volatile.Read(ref _ownReason) ?? _firstReason, _cut.Token);
        return "";
    }

    private void Watch()
    {
        if (_clock.WhyTooLate() is { } why)
        {
            Cut(why);
        }
    }
}
