using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using Distributed.Framework.Training;
using Distributed.Protocol.Link;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tests.Wire;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Tests.Link;

public sealed class LinkTests
{
    private static readonly LinkOptions s_short = new()
    {
        FirstMessageMax = TimeSpan.FromSeconds(0.5),
        FrameMax = TimeSpan.FromSeconds(0.5),
        WriteMax = TimeSpan.FromSeconds(0.5),
        CloseMax = TimeSpan.FromSeconds(0.5),
        WatchInterval = TimeSpan.FromSeconds(0.1),
    };

    [Theory]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_003)]
    public async Task MessagesAndFloats_Arrive_BothWays(int floats)
    {
        using LinkPair pair = LinkPair.HalfOpen(new LinkOptions(), floats);
        (CoordinatorLink link, Task run) = pair.Join(new LinkOptions());
        link.Send(new WorkerMessage.Join("a", "1", "n", 2, 1));
        TreeNode node = new(0, 1);
        WorkerMessage.GradientSum sum = new(new Term(1), new Step(2), node, 1, 0.5, TimeSpan.Zero);
        for (int i = 0; i < 3; i++)
        {
            link.Send(sum with { Step = new Step(i) }, Filled(floats, i));
        }

        Assert.Equal(new WorkerMessage.Join("a", "1", "n", 2, 1), Take(pair.Coordinator.Heard).Message);
        for (int i = 0; i < 3; i++)
        {
            pair.WorkerLink.Send(
                new CoordinatorMessage.Weights(new Term(1), new Step(i)), Filled(floats, -i));
            (WorkerMessage said, IMemoryOwner<float>? payload) = Take(pair.Coordinator.Heard);
            Assert.Equal(sum with { Step = new Step(i) }, said);
            Assert.Equal(Filled(floats, i).Memory.ToArray(), payload!.Memory.ToArray());
            (CoordinatorMessage heard, IMemoryOwner<float>? weights) = Take(pair.Worker.Heard);
            Assert.Equal(new Step(i), ((CoordinatorMessage.Weights)heard).Step);
            Assert.Equal(Filled(floats, -i).Memory.ToArray(), weights!.Memory.ToArray());
        }

        Assert.True(pair.Coordinator.SignsOfLife > 0);
        link.Close("enough");
        Assert.Equal("enough", await LinkPair.Within(pair.Coordinator.Closed.Task));
        await Task.WhenAll(run, pair.Run).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(pair.Worker.Closed.Task.IsCompleted);
    }

    /// <summary>A peer that falls behind gets the newest weights, and not every set that it missed.</summary>
    [Fact]
    public async Task Weights_ThatNewerOnesSupersede_AreNotSent()
    {
        using LinkPair pair = LinkPair.HalfOpen(new LinkOptions(), 10_000);
        LinkPair.Floats[] sets = [.. Enumerable.Range(0, 1000).Select(_ => Filled(10_000, 1))];
        for (int i = 0; i < sets.Length; i++)
        {
            pair.WorkerLink.Send(new CoordinatorMessage.Weights(new Term(1), new Step(i)), sets[i]);
        }

        (CoordinatorLink link, Task run) = pair.Join(new LinkOptions());
        List<int> heard = [];
        while (heard.Count == 0 || heard[^1] != sets.Length - 1)
        {
            (CoordinatorMessage message, _) = Take(pair.Worker.Heard);
            if (message is CoordinatorMessage.Weights weights)
            {
                heard.Add(weights.Step.Value);
            }
        }

        Assert.InRange(heard.Count, 1, sets.Length / 2);
        link.Close("enough");
        await Task.WhenAll(run, pair.Run).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.All(sets, set => Assert.True(set.IsDisposed));
    }

    /// <summary>A heartbeat overtakes 40 MB of floats that were sent before it.</summary>
    [Fact]
    public async Task Control_GoesBetweenTheChunks()
    {
        const int Floats = 10_000_000;
        using LinkPair pair = LinkPair.HalfOpen(new LinkOptions(), Floats);
        (CoordinatorLink _, Task run) = pair.Join(new LinkOptions());
        pair.WorkerLink.Send(new CoordinatorMessage.Weights(new Term(1), new Step(0)), Filled(Floats, 1));
        pair.WorkerLink.Send(new CoordinatorMessage.Heartbeat(new Term(1)));
        Assert.IsType<CoordinatorMessage.Heartbeat>(Take(pair.Worker.Heard).Message);
        Assert.IsType<CoordinatorMessage.Weights>(Take(pair.Worker.Heard).Message);
        pair.WorkerLink.Close("");
        await run.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Close_SendsWhatWaits_AndDisposesOfEveryBuffer()
    {
        const int Floats = 500_000;
        using LinkPair pair = LinkPair.HalfOpen(new LinkOptions(), Floats);
        (CoordinatorLink _, Task run) = pair.Join(new LinkOptions());
        ConcurrentBag<string> log = [];
        for (int i = 0; i < 5; i++)
        {
            pair.WorkerLink.Send(Block(i), new LinkPair.Floats(Floats, log));
        }

        pair.WorkerLink.Send(new CoordinatorMessage.Finish("done"));
        pair.WorkerLink.Close("the run is over");
        Assert.Equal("the run is over", await LinkPair.Within(pair.Worker.Closed.Task));
        await Task.WhenAll(run, pair.Run).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(6, pair.Worker.Heard.Count);
        Assert.Equal(5, log.Count);
        pair.WorkerLink.Send(Block(9), new LinkPair.Floats(Floats, log));
        Assert.Equal(6, log.Count);
    }

    [Theory]
    [InlineData("474554202f20485454502f312e310d0a0d0a0d0a", "0x47 does not begin a frame")]
    [InlineData("d702010000000000030000000000000092020300", "of version 2")]
    [InlineData("d7010100000000ffffffffff0000000000000000", "4294967295 bytes")]
    [InlineData("d7010100000000000300000000000000920203", "checksum")]
    [InlineData("d701030001000000040000000000000000000000", "not expected")]
    public async Task Garbage_EndsThatLink_WithTheReason(string hex, string reason)
    {
        using LinkPair pair = LinkPair.HalfOpen(s_short with { FirstMessageMax = TimeSpan.FromSeconds(20) });
        await pair.Far.WriteAsync(Convert.FromHexString(hex));
        Assert.Contains(reason, await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
        await pair.Run.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task WrongNumberOfFloats_EndsTheLink_BeforeAnythingIsRented()
    {
        using LinkPair pair = LinkPair.HalfOpen(s_short, floats: 999);
        byte[] frame = new byte[8192];
        WorkerMessage sum = (WorkerMessage)Samples.All[3];
        int length = new WorkerWireFormat().WriteFrame(frame, sum, stream: 1, floatCount: 1000);
        await pair.Far.WriteAsync(frame.AsMemory(0, length)); // Its floats never come.
        Assert.Contains("1000 floats", await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SilentNewcomer_IsCutOff()
    {
        using LinkPair pair = LinkPair.HalfOpen(s_short);
        Assert.Contains(
            "no message within", await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneByteAtATime_IsCutOff()
    {
        using LinkPair pair = LinkPair.HalfOpen(s_short with { FirstMessageMax = TimeSpan.FromSeconds(20) });
        byte[] frame = Samples.Frame(Samples.All[0]);
        Task writing = Task.Run(async () =>
        {
            foreach (byte value in frame)
            {
                await pair.Far.WriteAsync(new[] { value });
                await Task.Delay(100);
            }
        });
        Assert.Contains(
            "a frame took more than", await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<IOException>(() => writing.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task PeerThatDoesNotRead_IsCutOff_AndItsBuffersAreFree()
    {
        const int Floats = 4_000_000;
        using LinkPair pair = LinkPair.HalfOpen(s_short with { FirstMessageMax = TimeSpan.FromSeconds(20) }, Floats);
        ConcurrentBag<string> log = [];
        for (int i = 0; i < 4; i++)
        {
            pair.WorkerLink.Send(
                new CoordinatorMessage.Weights(new Term(1), new Step(i)), new LinkPair.Floats(Floats, log));
        }

        long start = Stopwatch.GetTimestamp();
        Assert.Contains(
            "did not read", await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 10);
        await pair.Run.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(4, log.Count);
    }

    [Fact]
    public async Task PeerThatDoesNotKeepUp_IsCutOff()
    {
        using LinkPair pair = LinkPair.HalfOpen(s_short with { BulkQueueMax = 2 }, floats: 4_000_000);
        for (int i = 0; i < 4; i++)
        {
            pair.WorkerLink.Send(Block(i), Filled(4_000_000, 1));
        }

        Assert.Contains("too many", await LinkPair.Within(pair.Coordinator.Closed.Task), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PeerThatIsGone_IsReported()
    {
        using LinkPair pair = LinkPair.HalfOpen(new LinkOptions());
        await pair.Far.DisposeAsync();
        Assert.NotEmpty(await LinkPair.Within(pair.Coordinator.Closed.Task));
        await pair.Run.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>One buffer serves a broadcast: links read it, and the last one gives it back.</summary>
    [Fact]
    public void SharedMemory_IsNotCopied()
    {
        float[] values = new float[16];
        using FloatBytes bytes = new(values);
        bytes.Memory.Span[0] = 0x3F;
        Assert.NotEqual(0f, values[0]);
        Assert.Equal(64, bytes.Memory.Length);
    }

    private static CoordinatorMessage.DataBlock Block(int i) => new(new string('0', 64), i, 4, 100);

    private static LinkPair.Floats Filled(int count, int salt)
    {
        LinkPair.Floats floats = new(count);
        for (int i = 0; i < count; i++)
        {
            floats.Memory.Span[i] = (i * 31) + salt;
        }

        return floats;
    }

    private static T Take<T>(BlockingCollection<T> messages)
    {
        Assert.True(messages.TryTake(out T? message, TimeSpan.FromSeconds(20)));
        return message!;
    }
}
