using System.Buffers;
using System.Threading.Channels;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;
using Distributed.Protocol.Tests.Actors;
using Distributed.Worker.Actors;

namespace Distributed.Worker.Tests.Actors;

/// <summary>An ActorSystem with the programs' settings and virtual time, and means to play the coordinator.</summary>
public abstract class ActorTest : TestKit
{
    protected ActorTest()
        : base(VirtualScheduler.Settings.WithFallback(ActorSystems.Settings())) =>
        UndeliveredMessages.ReleaseIn(Sys);

    protected static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    protected VirtualScheduler Time => (VirtualScheduler)Sys.Scheduler;

    /// <summary>Failures of actors that <see cref="Start"/> started.</summary>
    private protected Channel<ActorFailedException> Failures { get; } =
        Channel.CreateUnbounded<ActorFailedException>();

    /// <summary>Starts an actor below a RootActor, and watches it.</summary>
    protected IActorRef Start(Props props, string name)
    {
        Action<ActorFailedException> onFailure = failure => Failures.Writer.TryWrite(failure);
        IActorRef root = Sys.ActorOf(Props.Create(() => new RootActor(onFailure)));
        root.Tell(new RootActor.Start(props, name), TestActor);
        return Watch(ExpectMsg<IActorRef>(Patience));
    }

    /// <summary>Waits for something while virtual time passes.</summary>
    protected async Task<T> AdvanceUntil<T>(Task<T> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        for (int i = 0; i < 10_000 && !task.IsCompleted; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(0.1));
            await Task.Delay(1);
        }

        return await task.WaitAsync(TimeSpan.Zero);
    }

    internal static async Task<T> Read<T>(Channel<T> channel)
    {
        using CancellationTokenSource patience = new(Patience);
        return await channel.Reader.ReadAsync(patience.Token);
    }

    internal sealed record Attempt(
        IChannelHandler<CoordinatorMessage> Handler, TaskCompletionSource<ICoordinatorSession> Answer)
    {
        /// <summary>Makes the connection; the worker's Join is read already.</summary>
        public async Task<FakeSession> AcceptAsync()
        {
            FakeSession session = new();
            Answer.SetResult(session);
            Assert.IsType<WorkerMessage.Join>(await Read(session.Sent));
            return session;
        }

        public void Welcome(string plan) => Handler.OnMessage(
            new CoordinatorMessage.Welcome(new Term(1), new SessionId(1), plan, TimeSpan.FromSeconds(1000)));
    }

    internal sealed class FakeConnector : ICoordinatorConnector
    {
        public Channel<Attempt> Attempts { get; } = Channel.CreateUnbounded<Attempt>();

        public Task<ICoordinatorSession> ConnectAsync(
            IChannelHandler<CoordinatorMessage> handler, CancellationToken stop)
        {
            Attempt attempt = new(handler, new(TaskCreationOptions.RunContinuationsAsynchronously));
            Attempts.Writer.TryWrite(attempt);
            return attempt.Answer.Task;
        }
    }

    internal sealed class FakeSession : ICoordinatorSession
    {
        public Channel<WorkerMessage> Sent { get; } = Channel.CreateUnbounded<WorkerMessage>();

        public TaskCompletionSource<string> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Send(WorkerMessage message)
        {
            message.Release();
            Sent.Writer.TryWrite(message);
        }

        public void Close(string why) => Closed.TrySetResult(why);
    }

    internal sealed class Payload(int length = 0) : IMemoryOwner<float>
    {
        private int _disposals;

        public Memory<float> Memory { get; } = new float[length];

        public bool IsDisposed => Volatile.Read(ref _disposals) == 1;

        public void Dispose() => Assert.Equal(1, Interlocked.Increment(ref _disposals));
    }
}
