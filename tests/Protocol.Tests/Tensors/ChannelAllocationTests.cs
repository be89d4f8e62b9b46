using System.Buffers;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

/// <summary>Counts what the whole process allocates, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(ChannelAllocationTests), DisableParallelization = true)]
[Collection(nameof(ChannelAllocationTests))]
public sealed class ChannelAllocationTests
{
    private const int Floats = 187_500;

    /// <summary>0.75 MB to two workers and back: no buffer, no chunk, hardly a message.</summary>
    [Fact]
    public void ARound_AllocatesNextToNothing()
    {
        using Star star = new();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            star.Rounds(3);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            star.Rounds(20);
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / 20);
        }

        Assert.InRange(least, 0, 50_000);
    }

    private static void OnFault(Exception fault) => Environment.FailFast("A channel failed.", fault);

    private sealed class Star : IDisposable
    {
        private readonly SemaphoreSlim _answers = new(0);
        private readonly List<TensorChannel<CoordinatorMessage, WorkerMessage>> _channels = [];
        private readonly Reused _weights = new();

        public Star()
        {
            for (int i = 0; i < 2; i++)
            {
                (Stream near, Stream far) = ChannelPair.Connect();
                Echo echo = new(new Reused());
                echo.Channel = new(far, far, new WorkerFormat(), echo, new ChannelLimits(), OnFault);
                TensorChannel<CoordinatorMessage, WorkerMessage> channel = new(
                    near,
                    near,
                    new CoordinatorFormat(),
                    new Counter(_answers, new Reused()),
                    new ChannelLimits(),
                    OnFault);
                echo.Channel.Start("worker");
                channel.Start("coordinator");
                _channels.Add(channel);
            }
        }

        public void Rounds(int count)
        {
            for (int i = 0; i < count; i++)
            {
                foreach (TensorChannel<CoordinatorMessage, WorkerMessage> channel in _channels)
                {
                    channel.Send(ChannelPair.Weights(i, _weights));
                }

                Assert.True(_answers.Wait(TimeSpan.FromSeconds(30)) && _answers.Wait(TimeSpan.FromSeconds(30)));
            }
        }

        public void Dispose()
        {
            _channels.ForEach(channel => channel.Dispose());
            _answers.Dispose();
        }
    }

    private sealed class Reused : IMemoryOwner<float>
    {
        public Memory<float> Memory { get; } = new float[Floats];

        public void Dispose()
        {
        }
    }

    private sealed class Counter(SemaphoreSlim answers, IMemoryOwner<float> sum) : IChannelHandler<WorkerMessage>
    {
        public void OnMessage(WorkerMessage message) => answers.Release();

        public void OnHeard()
        {
        }

        public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) => sum;

        public void OnClosed(string why)
        {
        }
    }

    private sealed class Echo(IMemoryOwner<float> replica) : IChannelHandler<CoordinatorMessage>
    {
        public TensorChannel<WorkerMessage, CoordinatorMessage> Channel { get; set; } = null!;

        public void OnMessage(CoordinatorMessage message) => Channel.Send(ChannelPair.Sum(1, message.Payload!));

        public void OnHeard()
        {
        }

        public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) => replica;

        public void OnClosed(string why)
        {
        }
    }
}
