using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

/// <summary>Both ends of a channel over a TCP connection of this machine; or one end, and a bare stream.</summary>
internal sealed class ChannelPair : IDisposable
{
    /// <summary>Limits that tests can wait for.</summary>
    public static readonly ChannelLimits Short = new()
    {
        FrameMax = TimeSpan.FromSeconds(0.5),
        WriteMax = TimeSpan.FromSeconds(0.5),
        CloseMax = TimeSpan.FromSeconds(0.5),
        WatchInterval = TimeSpan.FromSeconds(0.1),
    };

    private ChannelPair(NetworkStream near, NetworkStream far, ChannelLimits limits, int floats)
    {
        Near = near;
        Far = far;
        CoordinatorEnd = new Handler<WorkerMessage>(Ledger, floats);
        WorkerEnd = new Handler<CoordinatorMessage>(Ledger, floats);
        Coordinator = new TensorChannel<CoordinatorMessage, WorkerMessage>(
            near, near, new CoordinatorFormat(), CoordinatorEnd, limits, CoordinatorEnd.OnFault);
        Worker = new TensorChannel<WorkerMessage, CoordinatorMessage>(
            far, far, new WorkerFormat(), WorkerEnd, limits, WorkerEnd.OnFault);
    }

    public Ledger Ledger { get; } = new();

    public NetworkStream Near { get; }

    public NetworkStream Far { get; }

    public Handler<WorkerMessage> CoordinatorEnd { get; }

    public Handler<CoordinatorMessage> WorkerEnd { get; }

    public TensorChannel<CoordinatorMessage, WorkerMessage> Coordinator { get; }

    public TensorChannel<WorkerMessage, CoordinatorMessage> Worker { get; }

    /// <summary>Both ends, started.</summary>
    public static ChannelPair Start(int floats = 1000, ChannelLimits? limits = null)
    {
        ChannelPair pair = HalfOpen(floats, limits);
        pair.Worker.Start("worker");
        return pair;
    }

    /// <summary>The coordinator's end; the worker's is not started, and <see cref="Far"/> free for the test.</summary>
    public static ChannelPair HalfOpen(int floats = 1000, ChannelLimits? limits = null)
    {
        (NetworkStream near, NetworkStream far) = Connect();
        ChannelPair pair = new(near, far, limits ?? new ChannelLimits(), floats);
        pair.Coordinator.Start("coordinator");
        return pair;
    }

    public static (NetworkStream Near, NetworkStream Far) Connect()
    {
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0));
        listener.Listen(1);
        Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        far.Connect(listener.LocalEndPoint!);
        Socket near = listener.Accept();
        near.NoDelay = true;
        return (new NetworkStream(near, ownsSocket: true), new NetworkStream(far, ownsSocket: true));
    }

    public static CoordinatorMessage.Weights Weights(int step, IMemoryOwner<float> floats) =>
        new(new Term(1), new Step(step)) { Payload = floats };

    public static CoordinatorMessage.DataBlock Block(int i, IMemoryOwner<float> floats) =>
        new(new string('0', 64), i, 4, 100) { Payload = floats };

    public static WorkerMessage.GradientSum Sum(int step, IMemoryOwner<float> floats) =>
        new(new Term(1), new Step(step), new TreeNode(0, 1), 1, 0.5, TimeSpan.Zero) { Payload = floats };

    /// <summary>Waits until both ends are closed.</summary>
    public void AwaitEnds()
    {
        CoordinatorEnd.AwaitClosed();
        WorkerEnd.AwaitClosed();
    }

    public void Dispose()
    {
        Coordinator.Dispose();
        Worker.Dispose();
        AwaitEnds();
    }
}

/// <summary>Keeps count of buffers: each is disposed of once.</summary>
internal sealed class Ledger
{
    private int _outstanding;

    public int Outstanding => Volatile.Read(ref _outstanding);

    public IMemoryOwner<float> Rent(int length) => new Floats(this, length);

    /// <summary>Floats that differ from buffer to buffer.</summary>
    public IMemoryOwner<float> Filled(int length, int salt)
    {
        IMemoryOwner<float> floats = Rent(length);
        for (int i = 0; i < length; i++)
        {
            floats.Memory.Span[i] = Value(i, salt);
        }

        return floats;
    }

    public static float Value(int i, int salt) => (i * 31) + salt;

    private sealed class Floats : IMemoryOwner<float>
    {
        private readonly Ledger _ledger;
        private readonly float[] _values;
        private int _isDisposed;

        public Floats(Ledger ledger, int length)
        {
            _ledger = ledger;
            _values = new float[length];
            Interlocked.Increment(ref ledger._outstanding);
        }

        public Memory<float> Memory => _isDisposed == 0 ? _values : throw new InvariantException("Used after its end.");

        public void Dispose()
        {
            Invariant.Assert(Interlocked.Exchange(ref _isDisposed, 1) == 0, "A buffer is disposed of once.");
            Interlocked.Decrement(ref _ledger._outstanding);
        }
    }
}

/// <summary>Keeps what a channel says.</summary>
internal sealed class Handler<TIn>(Ledger ledger, int floats) : IChannelHandler<TIn>
    where TIn : class
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BlockingCollection<TIn> Messages { get; } = [];

    public ConcurrentQueue<Exception> Faults { get; } = [];

    public int SignsOfLife { get; private set; }

    /// <summary>Called before a message is kept.</summary>
    public Action<TIn> Before { get; set; } = _ => { };

    public Action OnClosing { get; set; } = () => { };

    public void OnMessage(TIn message)
    {
        try
        {
            Before(message);
        }
        catch
        {
            (message as IReleasable)?.Release();
            throw;
        }

        Messages.Add(message);
    }

    public void OnHeard() => SignsOfLife++;

    public IMemoryOwner<float> Rent(TIn message, int floatCount) =>
        floatCount == floats ? ledger.Rent(floats) : throw new ProtocolException($"{floatCount} floats");

    public void OnClosed(string why)
    {
        _closed.SetResult(why); // Throws the second time.
        OnClosing();
    }

    public bool IsClosed => _closed.Task.IsCompleted;

    public void OnFault(Exception fault) => Faults.Enqueue(fault);

    public TIn Take()
    {
        Assert.True(Messages.TryTake(out TIn? message, s_patience));
        return message!;
    }

    public string AwaitClosed()
    {
        Assert.True(_closed.Task.Wait(s_patience));
        return _closed.Task.Result;
    }

    /// <summary>Lets go of what nobody took.</summary>
    public void ReleaseAll()
    {
        while (Messages.TryTake(out TIn? message))
        {
            (message as IReleasable)?.Release();
        }
    }
}
