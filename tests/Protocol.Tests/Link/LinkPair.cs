using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Distributed.Protocol.Link;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Tests.Link;

/// <summary>Both ends of a link over a TCP connection of this machine; or one end, and a bare socket.</summary>
internal sealed class LinkPair : IDisposable
{
    private readonly Socket _far;

    private LinkPair(Socket near, Socket far, LinkOptions options, int floats)
    {
        _far = far;
        Coordinator = new CoordinatorEnd(floats);
        Worker = new WorkerEnd(floats);
        WorkerLink = new WorkerLink(
            new NetworkStream(near, ownsSocket: true), Coordinator, new SessionId(1), options, TimeProvider.System);
        Run = WorkerLink.RunAsync();
        Far = new NetworkStream(far, ownsSocket: true);
    }

    public WorkerLink WorkerLink { get; }

    public CoordinatorEnd Coordinator { get; }

    public WorkerEnd Worker { get; }

    public Task Run { get; }

    public NetworkStream Far { get; }

    /// <summary>The coordinator's end; the other one is a bare stream.</summary>
    public static LinkPair HalfOpen(LinkOptions options, int floats = 1000)
    {
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen(1);
        Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        far.Connect(listener.LocalEndPoint!);
        Socket near = listener.Accept();
        near.NoDelay = true;
        return new LinkPair(near, far, options, floats);
    }

    /// <summary>Makes the bare stream the worker's end.</summary>
    public (CoordinatorLink Link, Task Run) Join(LinkOptions options)
    {
        CoordinatorLink link = new(Far, Worker, options, TimeProvider.System);
        return (link, link.RunAsync());
    }

    public void Dispose() => _far.Dispose();

    /// <summary>Fails a test that waits too long.</summary>
    public static async Task<T> Within<T>(Task<T> task) => await task.WaitAsync(TimeSpan.FromSeconds(20));

    internal sealed class Floats(int length, ConcurrentBag<string>? log = null) : IMemoryOwner<float>
    {
        private readonly float[] _values = new float[length];

        public Memory<float> Memory => _values;

        public bool IsDisposed { get; private set; }

        public void Dispose()
        {
            Assert.False(IsDisposed);
            IsDisposed = true;
            log?.Add("disposed");
        }
    }

    internal sealed class CoordinatorEnd(int floats) : ICoordinatorEndpoint
    {
        public BlockingCollection<(WorkerMessage Message, IMemoryOwner<float>? Bulk)> Heard { get; } = [];

        public TaskCompletionSource<string> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int SignsOfLife { get; private set; }

        public void OnMessage(SessionId worker, WorkerMessage message, IMemoryOwner<float>? payload) =>
            Heard.Add((message, payload));

        public void OnHeard(SessionId worker) => SignsOfLife++;

        public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
            floatCount == floats ? new Floats(floats) : throw new ProtocolException($"{floatCount} floats");

        public void OnClosed(SessionId worker, string why) => Closed.SetResult(why);
    }

    internal sealed class WorkerEnd(int floats) : IWorkerEndpoint
    {
        public BlockingCollection<(CoordinatorMessage Message, IMemoryOwner<float>? Bulk)> Heard { get; } = [];

        public TaskCompletionSource<string> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnMessage(CoordinatorMessage message, IMemoryOwner<float>? payload) =>
            Heard.Add((message, payload));

        public void OnHeard()
        {
        }

        public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) =>
            floatCount == floats ? new Floats(floats) : throw new ProtocolException($"{floatCount} floats");

        public void OnClosed(string why) => Closed.SetResult(why);
    }
}
