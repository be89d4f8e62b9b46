using System.Buffers;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Http;
using Distributed.Framework.Tensors;
using Distributed.Protocol.Link;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests.Actors;

public sealed class LinkHostTests() : TestKit("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
{
    /// <summary>
    /// What a worker says is never dropped silently. Method: a coordinator that handles nothing, and a
    /// worker that does not stop talking: it is cut off, its last payload is released, and the coordinator hears of it.
    /// </summary>
    [Fact]
    public async Task OnMessage_WorkerSaysMoreThanIsHandled_IsCutOffAndReported()
    {
        TestProbe coordinator = CreateTestProbe();
        BufferPool gradients = new(4);
        using RunMetrics metrics = new();
        LinkHost host = new(coordinator, gradients, metrics, new LinkTraffic(), _ => { });
        RecordingLink link = new();
        SessionId id = host.NextSessionId();
        host.Attach(id, link);
        int said = 0;
        while (link.ClosedWhy is null && said < 100_000)
        {
            WorkerMessage sum = new WorkerMessage.GradientSum(new(1), new(0), new(0, 0), 1, 1, TimeSpan.Zero);
            host.OnMessage(id, sum, gradients.Rent());
            said++;
        }

        Assert.InRange(said, 100, 10_000);
        for (int i = 0; i < said - 1; i++)
        {
            (await coordinator.ExpectMsgAsync<WorkerMessage.GradientSum>()).Release();
        }

        CoordinatorActor.Closed closed = await coordinator.ExpectMsgAsync<CoordinatorActor.Closed>();
        Assert.Contains("more than", closed.Why, StringComparison.Ordinal);
        Assert.Equal(0, gradients.Outstanding);
    }

    private sealed class RecordingLink : IWorkerLink
    {
        public string? ClosedWhy { get; private set; }

        public void Send(CoordinatorMessage message, IMemoryOwner<float>? payload = null) => payload?.Dispose();

        public void Close(string why) => ClosedWhy = why;
    }
}
