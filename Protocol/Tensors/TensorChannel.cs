using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>One connection of coordinator and worker, for what belongs to a step: messages and floats.</summary>
/// <remarks>
/// <code>
/// ends when                            then
/// Close is called                      the queue is written, then an end; waits for the other end to close
/// the other end says that it closes    answers with an end; what waits is let go
/// the peer breaks a rule               says so in an end; waits for the other end to close
/// a bound is passed, or the connection breaks, or this program fails, or Dispose is called    cut off at once
/// </code>
/// Reads and writes block, each on a thread of its own: on busy cores that is faster by far than the thread pool. The
/// waiting for the other end keeps a last message from being lost in a reset of the connection.
/// </remarks>
public sealed class TensorChannel<TOut, TIn> : IDisposable
    where TOut : class
    where TIn : class
{
    private const int New = 0;
    private const int Started = 1;
    private const int Ended = 2;

    private readonly IDisposable _connection;
    private readonly IChannelHandler<TIn> _handler;
    private readonly ChannelQueue<TOut, TIn> _queue;
    private readonly ChannelReader<TOut, TIn> _reader;
    private readonly ChannelWriter<TOut, TIn> _writer;
    private readonly ChannelClock _clock;
    private readonly Action<Exception> _onFault;
    private readonly Timer _watch;
    private readonly TimeSpan _watchInterval;
    private int _state = New;
    private int _threadsLeft = 2;
    private bool _isCut;
    private Exception? _fault;

    /// <summary>Why it ends: what this end says; what the peer says or did; how the connection broke.</summary>
    private string? _ownReason;
    private string? _why;
    private string? _broken;

    /// <summary>A channel that takes messages, and sends and receives once it is started.</summary>
    /// <param name="stream">Both ways; reads and writes at once, on two threads.</param>
    /// <param name="connection">
    /// Owned. Disposing of it, from any thread and more than once, ends reads and writes that block.
    /// </param>
    /// <param name="format">The messages of this end.</param>
    /// <param name="handler">Gets what arrives, until this end closes.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="onFault">
    /// Told, on a thread of the channel, what the handler or this program's own logic threw; before OnClosed.
    /// </param>
    /// <param name="total">Counts what several channels move; null for none.</param>
    public TensorChannel(
        Stream stream,
        IDisposable connection,
        IMessageFormat<TOut, TIn> format,
        IChannelHandler<TIn> handler,
        ChannelLimits limits,
        Action<Exception> onFault,
        ChannelTraffic? total = null)
    {
        Traffic = new ChannelTraffic(total);
        _connection = connection;
        _handler = handler;
        _onFault = onFault;
        _watchInterval = limits.WatchInterval;
        _clock = new ChannelClock(limits);
        _queue = new ChannelQueue<TOut, TIn>(format, limits);
        _writer = new ChannelWriter<TOut, TIn>(stream, format, _queue, _clock, Traffic);
        _reader = new ChannelReader<TOut, TIn>(stream, format, handler, _clock, Traffic, () => IsClosed);
        _watch = new Timer(_ => Watch());
    }

    /// <summary>What this channel has moved.</summary>
    public ChannelTraffic Traffic { get; }

    /// <summary>Whether the other end has said that it closes: it has read what was sent before this one did.</summary>
    public bool HasPeerEnded { get; private set; }

    private bool IsClosed => Volatile.Read(ref _ownReason) is not null || Volatile.Read(ref _isCut);

    private string Why => Volatile.Read(ref _ownReason) ?? Volatile.Read(ref _why) ?? Volatile.Read(ref _broken) ?? "";

    /// <summary>Begins to send and to receive.</summary>
    /// <param name="name">The threads' name.</param>
    public void Start(string name)
    {
        int before = Interlocked.CompareExchange(ref _state, Started, New);
        Invariant.Assert(before != Started, "A channel is started once.");
        if (before == New)
        {
            _watch.Change(_watchInterval, _watchInterval);
            new Thread(() => Run(Read)) { IsBackground = true, Name = $"{name} in" }.Start();
            new Thread(() => Run(Write)) { IsBackground = true, Name = $"{name} out" }.Start();
        }
    }

    /// <summary>
    /// Sends a message, and never blocks. Its floats are the channel's from now on. A channel whose peer does not keep
    /// up is cut off.
    /// </summary>
    public void Send(TOut message)
    {
        try
        {
            if (!_queue.TryAdd(message))
            {
                Cut("too much waits to be sent: the other end does not keep up");
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Ends after what was sent; nothing more is received.</summary>
    public void Close(string why)
    {
        Interlocked.CompareExchange(ref _ownReason, why, null);
        _queue.Close();
    }

    /// <summary>Ends at once; does not wait for it.</summary>
    public void Dispose()
    {
        Cut("cut off by this end");
        if (Interlocked.CompareExchange(ref _state, Ended, New) == New)
        {
            End();
        }
    }

    private void Run(Action direction)
    {
        try
        {
            direction();
        }
        catch (Exception exception)
        {
            Fail(exception);
        }

        if (Interlocked.Decrement(ref _threadsLeft) == 0)
        {
            Volatile.Write(ref _state, Ended);
            End();
        }
    }

    private void Read()
    {
        try
        {
            string why = _reader.Run();
            HasPeerEnded = true;
            BeginClosing(why);
        }
        catch (ConnectionBrokenException exception)
        {
            Interlocked.CompareExchange(ref _broken, exception.Message, null);
            Cut(null);
        }
        catch (ProtocolException exception)
        {
            ProtocolMetrics.OnRefusedFrame();
            BeginClosing(exception.Message);
            _reader.Drain();
        }
    }

    private void Write()
    {
        try
        {
            _writer.Run(() => Why);
        }
        catch (ConnectionBrokenException exception)
        {
            // Why the other end has closed may be there to be read.
            Interlocked.CompareExchange(ref _broken, exception.Message, null);
        }

        _clock.BeginClosing();
    }

    /// <summary>The peer wants no more messages, or is to get none: only the end is written.</summary>
    private void BeginClosing(string why)
    {
        Interlocked.CompareExchange(ref _why, why, null);
        _queue.Drop();
        _clock.BeginClosing();
    }

    private void Fail(Exception fault)
    {
        Interlocked.CompareExchange(ref _fault, fault, null);
        Cut($"a fault of this program: {fault.Message}");
    }

    /// <summary>Ends at once, on another thread: the caller may hold a lock.</summary>
    private void Cut(string? why)
    {
        Interlocked.CompareExchange(ref _why, why, null);
        Volatile.Write(ref _isCut, true);
        _queue.Drop();
        ThreadPool.UnsafeQueueUserWorkItem(static channel => channel.Abort(), this, preferLocal: false);
    }

    private void Watch()
    {
        if (_clock.WhyTooLate() is { } why)
        {
            Cut(why);
        }
    }

    private void Abort()
    {
        try
        {
            _connection.Dispose();
        }
        catch (Exception exception) when (ConnectionBrokenException.Is(exception))
        {
            // It is broken already.
        }
    }

    /// <summary>Nothing runs any more: lets go of what is left, and says so.</summary>
    private void End()
    {
        _watch.Dispose();
        _queue.Drop();
        Abort();
        if (_fault is { } fault)
        {
            _onFault(fault);
        }

        try
        {
            _handler.OnClosed(Why);
        }
        catch (Exception exception)
        {
            _onFault(exception);
        }
    }
}
