using System.Buffers;
using System.Net.Sockets;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

public sealed class ChannelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4_000)]
    [InlineData(16_384)]
    [InlineData(65_537)]
    [InlineData(1_000_003)]
    public void MessagesAndFloats_Arrive_BothWays(int floats)
    {
        using ChannelPair pair = ChannelPair.Start(floats);
        pair.Worker.Send(new WorkerMessage.Join("a", "1", "n", 2, 3));
        for (int i = 0; i < 3; i++)
        {
            pair.Worker.Send(ChannelPair.Sum(i, pair.Ledger.Filled(floats, i)));
        }

        Assert.Equal(new WorkerMessage.Join("a", "1", "n", 2, 3), pair.CoordinatorEnd.Take());
        for (int i = 0; i < 3; i++)
        {
            WorkerMessage.GradientSum sum = Assert.IsType<WorkerMessage.GradientSum>(pair.CoordinatorEnd.Take());
            Assert.Equal(new Step(i), sum.Step);
            AssertFilled(sum.Payload!, i);
            sum.Release();
            pair.Coordinator.Send(ChannelPair.Weights(i, pair.Ledger.Filled(floats, -i)));
            CoordinatorMessage weights = pair.WorkerEnd.Take();
            AssertFilled(weights.Payload!, -i);
            weights.Release();
        }

        Assert.True(pair.CoordinatorEnd.SignsOfLife > 0);
        Assert.True(pair.Worker.Traffic.Sent > 3L * floats * sizeof(float));
        pair.Worker.Close("enough");
        pair.AwaitEnds();
        Assert.Equal(pair.Worker.Traffic.Sent, pair.Coordinator.Traffic.Received);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>A peer that falls behind gets the newest weights, and not every set that it missed.</summary>
    [Fact]
    public void Weights_ThatNewerOnesSupersede_AreNotSent()
    {
        using ChannelPair pair = ChannelPair.HalfOpen(floats: 10_000);
        for (int i = 0; i < 1000; i++)
        {
            pair.Coordinator.Send(ChannelPair.Weights(i, pair.Ledger.Rent(10_000)));
        }

        pair.Worker.Start("worker");
        List<int> heard = [];
        while (heard.Count == 0 || heard[^1] != 999)
        {
            CoordinatorMessage.Weights weights = (CoordinatorMessage.Weights)pair.WorkerEnd.Take();
            weights.Release();
            heard.Add(weights.Step.Value);
        }

        Assert.InRange(heard.Count, 1, 500);
        Assert.Equal(heard.Order(), heard);
        pair.Dispose();
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>Heartbeats overtake 40 MB of floats that are on their way, and keep their order.</summary>
    [Fact]
    public void Messages_GoBetweenTheChunks()
    {
        const int Floats = 10_000_000;
        using ChannelPair pair = ChannelPair.HalfOpen(Floats);
        pair.Coordinator.Send(ChannelPair.Weights(0, pair.Ledger.Rent(Floats)));
        Assert.True(SpinWait.SpinUntil(() => pair.Coordinator.Traffic.Sent > 0, TimeSpan.FromSeconds(30)));
        for (int i = 0; i < 100; i++)
        {
            pair.Coordinator.Send(new CoordinatorMessage.Heartbeat(new Term(i)));
        }

        pair.Worker.Start("worker");
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(new CoordinatorMessage.Heartbeat(new Term(i)), pair.WorkerEnd.Take());
        }

        Assert.IsType<CoordinatorMessage.Weights>(pair.WorkerEnd.Take()).Release();
    }

    /// <summary>A message that is longer than the reader's buffer and than the bound, and those around it.</summary>
    [Fact]
    public void LongMessages_Arrive()
    {
        using ChannelPair pair = ChannelPair.Start(limits: new ChannelLimits { QueueBytesMax = 1_000_000 });
        CoordinatorMessage[] messages =
        [
            new CoordinatorMessage.Heartbeat(new Term(1)),
            new CoordinatorMessage.Plan(new string('p', 3 << 20)),
            new CoordinatorMessage.Heartbeat(new Term(2)),
        ];
        for (int i = 0; i < 9; i++)
        {
            pair.Coordinator.Send(messages[i % 3]);
            Assert.Equal(messages[i % 3], pair.WorkerEnd.Take());
        }
    }

    [Fact]
    public void Close_SendsWhatWaits_AndTellsBothEndsOnce()
    {
        const int Floats = 500_000;
        using ChannelPair pair = ChannelPair.Start(Floats);
        for (int i = 0; i < 5; i++)
        {
            pair.Coordinator.Send(ChannelPair.Block(i, pair.Ledger.Rent(Floats)));
        }

        pair.Coordinator.Send(new CoordinatorMessage.Finish("done"));
        pair.Coordinator.Close("the run is over");
        Assert.Equal("the run is over", pair.WorkerEnd.AwaitClosed());
        Assert.Equal("the run is over", pair.CoordinatorEnd.AwaitClosed());
        Assert.Equal(6, pair.WorkerEnd.Messages.Count);
        pair.WorkerEnd.ReleaseAll();
        Assert.Equal(0, pair.Ledger.Outstanding);
        pair.Coordinator.Send(ChannelPair.Block(9, pair.Ledger.Rent(Floats)));
        pair.Worker.Send(ChannelPair.Sum(9, pair.Ledger.Rent(Floats)));
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>Both close while floats go both ways: nobody hears anything more, and nobody waits for long.</summary>
    [Fact]
    public void Close_AtBothEnds_ReleasesWhatArrives()
    {
        const int Floats = 1_000_000;
        using ChannelPair pair = ChannelPair.HalfOpen(Floats);
        for (int i = 0; i < 8; i++)
        {
            pair.Coordinator.Send(ChannelPair.Block(i, pair.Ledger.Rent(Floats)));
            pair.Worker.Send(ChannelPair.Sum(i, pair.Ledger.Rent(Floats)));
        }

        pair.Coordinator.Close("coordinator");
        pair.Worker.Close("worker");
        pair.Worker.Start("worker");
        Assert.Equal("coordinator", pair.CoordinatorEnd.AwaitClosed());
        Assert.Equal("worker", pair.WorkerEnd.AwaitClosed());
        Assert.Empty(pair.CoordinatorEnd.Messages);
        Assert.Empty(pair.WorkerEnd.Messages);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    [Fact]
    public void PeerThatNeverCloses_IsCutOff()
    {
        using ChannelPair pair = ChannelPair.HalfOpen(limits: ChannelPair.Short);
        pair.Coordinator.Close("enough");
        Assert.Equal("enough", pair.CoordinatorEnd.AwaitClosed());
    }

    [Fact]
    public void OneByteAtATime_IsCutOff()
    {
        using ChannelPair pair = ChannelPair.HalfOpen(limits: ChannelPair.Short);
        byte[] frame = Convert.FromHexString("d80101000000000003000000000000000000000012636ee3920203");
        Assert.ThrowsAny<IOException>(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                pair.Far.Write(frame.AsSpan(i % 26, 1));
                Thread.Sleep(100);
            }
        });
        Assert.Contains("a frame took more than", pair.CoordinatorEnd.AwaitClosed(), StringComparison.Ordinal);
    }

    [Fact]
    public void PeerThatDoesNotRead_IsCutOff()
    {
        const int Floats = 4_000_000;
        using ChannelPair pair = ChannelPair.HalfOpen(Floats, ChannelPair.Short);
        for (int i = 0; i < 3; i++)
        {
            pair.Coordinator.Send(ChannelPair.Weights(i, pair.Ledger.Rent(Floats)));
        }

        Assert.Contains("did not read", pair.CoordinatorEnd.AwaitClosed(), StringComparison.Ordinal);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>Floats or small messages that wait are never more than the bound; then the channel says so.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    [InlineData(1_000_000)]
    public void PeerThatNeverReads_CostsAtMostTheBound(int floats)
    {
        const int BytesMax = 20_000_000;
        ChannelLimits limits = new() { QueueBytesMax = BytesMax };
        using ChannelPair pair = ChannelPair.HalfOpen(Math.Max(floats, 1), limits);
        long bytesMost = 0;
        string text = new('x', 1000);
        while (!pair.CoordinatorEnd.IsClosed)
        {
            pair.Coordinator.Send(floats == 0
                ? new CoordinatorMessage.Finish(text)
                : ChannelPair.Block(0, pair.Ledger.Rent(floats)));
            bytesMost = Math.Max(bytesMost, (long)pair.Ledger.Outstanding * floats * sizeof(float));
        }

        Assert.Contains("does not keep up", pair.CoordinatorEnd.AwaitClosed(), StringComparison.Ordinal);
        Assert.InRange(bytesMost, floats == 0 ? 0 : BytesMax / 2, BytesMax);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    [Fact]
    public void PayloadAboveTheBound_GoesAlone()
    {
        const int Floats = 1_000_000;
        using ChannelPair pair = ChannelPair.Start(Floats, new ChannelLimits { QueueBytesMax = 100_000 });
        for (int i = 0; i < 3; i++)
        {
            pair.Coordinator.Send(ChannelPair.Block(i, pair.Ledger.Rent(Floats)));
            pair.Coordinator.Send(new CoordinatorMessage.Heartbeat(new Term(i)));
            CoordinatorMessage[] heard = [pair.WorkerEnd.Take(), pair.WorkerEnd.Take()];
            Assert.Single(heard.OfType<CoordinatorMessage.Heartbeat>());
            Assert.Single(heard.OfType<CoordinatorMessage.DataBlock>()).Release();
        }
    }

    /// <summary>
    /// Goal: every buffer is disposed of once and each end told once, whatever happens. Method: both ends send all the
    /// time, and the connection or a channel is cut, closed or broken at a random moment.
    /// </summary>
    [Fact]
    public async Task RandomCuts_ReleaseEverything()
    {
        const int Floats = 100_000;
        for (int seed = 1; seed <= 60; seed++)
        {
            Random random = new(seed);
            using ChannelPair pair = ChannelPair.Start(Floats, ChannelPair.Short);
            using CancellationTokenSource stop = new();
            Socket far = pair.Far.Socket;
            Task[] senders =
            [
                Task.Run(() => Repeat(
                    i => pair.Coordinator.Send(ChannelPair.Weights(i, pair.Ledger.Rent(Floats))), stop.Token)),
                Task.Run(() => Repeat(
                    i => pair.Worker.Send(ChannelPair.Sum(i, pair.Ledger.Rent(Floats))), stop.Token)),
                Task.Run(() => Repeat(_ => pair.CoordinatorEnd.ReleaseAll(), stop.Token)),
                Task.Run(() => Repeat(_ => pair.WorkerEnd.ReleaseAll(), stop.Token)),
            ];
            await Task.Delay(random.Next(20));
            Action[] ends =
            [
                pair.Near.Dispose, pair.Far.Dispose, pair.Coordinator.Dispose, pair.Worker.Dispose,
                () => pair.Coordinator.Close("c"), () => pair.Worker.Close("w"),
                () => far.Shutdown(SocketShutdown.Both),
                () => pair.CoordinatorEnd.Before = _ => throw new ProtocolException("enough"),
                () => pair.WorkerEnd.Before = _ => throw new InvalidDataException("enough"),
            ];
            ends[seed % ends.Length]();
            pair.AwaitEnds();
            await stop.CancelAsync();
            await Task.WhenAll(senders).WaitAsync(TimeSpan.FromSeconds(30));
            pair.CoordinatorEnd.ReleaseAll();
            pair.WorkerEnd.ReleaseAll();
            Assert.True(pair.Ledger.Outstanding == 0, $"seed {seed}: {pair.Ledger.Outstanding} buffers are left");
            Assert.All(pair.CoordinatorEnd.Faults, fault => Assert.Fail($"seed {seed}: {fault}"));
            Assert.All(pair.WorkerEnd.Faults, fault => Assert.IsType<InvalidDataException>(fault));
        }
    }

    [Fact]
    public void PeerThatIsGone_IsReported()
    {
        using ChannelPair pair = ChannelPair.HalfOpen();
        pair.Far.Dispose();
        Assert.NotEmpty(pair.CoordinatorEnd.AwaitClosed());
        Assert.Empty(pair.CoordinatorEnd.Faults);
    }

    [Fact]
    public void WhatTheHandlerRefuses_ClosesTheChannel_AndThePeerIsToldWhy()
    {
        using ChannelPair pair = ChannelPair.Start(floats: 500);
        pair.Worker.Send(ChannelPair.Sum(0, pair.Ledger.Rent(999)));
        Assert.Equal("999 floats", pair.CoordinatorEnd.AwaitClosed());
        Assert.Equal("999 floats", pair.WorkerEnd.AwaitClosed());
        Assert.Empty(pair.CoordinatorEnd.Faults);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    [Fact]
    public void FaultOfTheHandler_IsTold_AndEverythingReleased()
    {
        using ChannelPair pair = ChannelPair.Start();
        pair.CoordinatorEnd.Before = _ => throw new IOException("a disk of ours");
        pair.Worker.Send(ChannelPair.Sum(0, pair.Ledger.Rent(1000)));
        pair.Coordinator.Send(ChannelPair.Weights(0, pair.Ledger.Rent(1000)));
        Assert.Contains("a disk of ours", pair.CoordinatorEnd.AwaitClosed(), StringComparison.Ordinal);
        Assert.IsType<IOException>(Assert.Single(pair.CoordinatorEnd.Faults));
        pair.WorkerEnd.AwaitClosed();
        pair.WorkerEnd.ReleaseAll();
        Assert.Empty(pair.WorkerEnd.Faults);
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    [Fact]
    public void FaultAtTheVeryEnd_IsTold()
    {
        using ChannelPair pair = ChannelPair.Start();
        using ManualResetEventSlim isClosing = new();
        pair.CoordinatorEnd.OnClosing = () =>
        {
            isClosing.Set();
            throw new InvariantException("at the end");
        };
        pair.Coordinator.Close("enough");
        Assert.True(isClosing.Wait(TimeSpan.FromSeconds(30)));
        SpinWait.SpinUntil(() => !pair.CoordinatorEnd.Faults.IsEmpty, TimeSpan.FromSeconds(30));
        Assert.IsType<InvariantException>(Assert.Single(pair.CoordinatorEnd.Faults));
    }

    /// <summary>A message that cannot be written is this program's fault; it is not thrown at the sender.</summary>
    [Fact]
    public void MessageWithoutItsFloats_IsAFault()
    {
        using ChannelPair pair = ChannelPair.Start();
        pair.Coordinator.Send(new CoordinatorMessage.Weights(new Term(1), new Step(0)));
        Assert.NotEmpty(pair.CoordinatorEnd.AwaitClosed());
        Assert.Single(pair.CoordinatorEnd.Faults);
    }

    [Fact]
    public void ChannelThatIsNeverStarted_LetsGoOfWhatItHolds()
    {
        using ChannelPair pair = ChannelPair.HalfOpen();
        pair.Worker.Send(ChannelPair.Sum(0, pair.Ledger.Rent(1000)));
        pair.Worker.Dispose();
        pair.WorkerEnd.AwaitClosed();
        Assert.Equal(0, pair.Ledger.Outstanding);
        pair.Worker.Start("too late");
        pair.CoordinatorEnd.AwaitClosed();
    }

    private static void Repeat(Action<int> action, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            action(i);
            Thread.Sleep(1);
        }
    }

    private static void AssertFilled(IMemoryOwner<float> floats, int salt)
    {
        for (int i = 0; i < floats.Memory.Length; i++)
        {
            if (floats.Memory.Span[i] != Ledger.Value(i, salt))
            {
                Assert.Fail($"Float {i} is {floats.Memory.Span[i]}.");
            }
        }
    }
}
