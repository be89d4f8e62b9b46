using System.Buffers;
using System.Threading.Channels;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.Worker.Tests.Actors;

/// <summary>A link that comes after its attempt was given up is closed, and nothing it says counts.</summary>
public sealed class LateLinkTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Link_OfAnAttemptGivenUp_IsClosedAndUnheard()
    {
        using CancellationTokenSource patience = new(s_patience);
        Connector connector = new();
        TaskCompletionSource prepared = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WorkerHost worker = new(
            new WorkerIdentity("w", "1", "n", 1),
            connector,
            (_, _) =>
            {
                prepared.TrySetResult();
                throw new DataException("The test ends here.", "");
            },
            new WorkerOptions { SilenceMax = TimeSpan.FromSeconds(2), RetryMin = TimeSpan.FromSeconds(0.01) },
            TimeProvider.System);
        Task<WorkerEffect.Exit> run = worker.RunAsync();

        Attempt given = await connector.Attempts.ReadAsync(patience.Token);
        Attempt taken = await connector.Attempts.ReadAsync(patience.Token);
        Link late = new();
        given.Answer.SetResult(late);
        await late.Closed.Task.WaitAsync(patience.Token);

        Link link = new();
        taken.Answer.SetResult(link);
        await link.Joined.Task.WaitAsync(patience.Token);
        Bulk bulk = new();
        given.Endpoint.OnMessage(new CoordinatorMessage.Finish("to nobody"), bulk);
        given.Endpoint.OnClosed("late");
        taken.Endpoint.OnMessage(
            new CoordinatorMessage.Welcome(new Term(1), new WorkerId(1), "plan", TimeSpan.FromSeconds(1)), null);
        await prepared.Task.WaitAsync(patience.Token);

        Assert.Equal(WorkerOutcome.Failed, (await run.WaitAsync(patience.Token)).Outcome);
        Assert.True(bulk.IsDisposed);
        Assert.False(connector.Attempts.TryRead(out _));
        Assert.False(late.Joined.Task.IsCompleted);
    }

    private sealed record Attempt(IWorkerEndpoint Endpoint, TaskCompletionSource<ICoordinatorLink> Answer);

    private sealed class Connector : ICoordinatorConnector
    {
        private readonly Channel<Attempt> _attempts = Channel.CreateUnbounded<Attempt>();

        public ChannelReader<Attempt> Attempts => _attempts.Reader;

        public Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping)
        {
            Attempt attempt = new(endpoint, new(TaskCreationOptions.RunContinuationsAsynchronously));
            _attempts.Writer.TryWrite(attempt);
            return attempt.Answer.Task;
        }
    }

    private sealed class Link : ICoordinatorLink
    {
        public TaskCompletionSource Joined { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Send(WorkerMessage message, IMemoryOwner<float>? bulk = null)
        {
            if (message is WorkerMessage.Join)
            {
                Joined.TrySetResult();
            }
        }

        public void Close(string why) => Closed.TrySetResult();
    }

    private sealed class Bulk : IMemoryOwner<float>
    {
        public bool IsDisposed { get; private set; }

        public Memory<float> Memory => default;

        public void Dispose() => IsDisposed = true;
    }
}
