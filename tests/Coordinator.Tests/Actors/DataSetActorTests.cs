using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Tensors;
using Distributed.Protocol;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Messages;
using static Distributed.Protocol.Messages.CoordinatorMessage;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>Whatever happens to the data, a question has an answer.</summary>
public sealed class DataSetActorTests() : TestKit("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
{
    private readonly TaskCompletionSource<ActorFailedException> _failed = new();

    [Fact]
    public async Task WantData_EveryOffset_IsAnsweredWithTheBlock()
    {
        byte[] pixels = new byte[PackedIndex.BlockBytes + 5];
        new Random(1).NextBytes(pixels);
        Source source = new(stream =>
            ImageBlock.OfBytes("a", null, new ImageShape(1, 1, pixels.Length), pixels).WriteContent(stream));
        PackedIndex index = source.Packed.Index;
        IActorRef data = await StartAsync(source);
        DataBlock first = await AskAsync<DataBlock>(data, source.ContentHash, 0);
        DataBlock second = await AskAsync<DataBlock>(data, source.ContentHash, PackedIndex.BlockBytes);
        int tail = "uint8 1 1 262149\n".Length + 5;
        Assert.Equal(
            (PackedIndex.BlockBytes, tail, pixels.Length + tail - 5),
            (first.Count, second.Count, (int)second.Length));
        Assert.Equal(pixels[^tail..], MemoryMarshal.AsBytes(second.Payload!.Memory.Span)[..tail].ToArray());
        Assert.True(index.IsBlock(0, MemoryMarshal.AsBytes(first.Payload!.Memory.Span)));
        Assert.True(index.IsBlock(1, MemoryMarshal.AsBytes(second.Payload!.Memory.Span)[..tail]));
        Assert.Contains("end", (await AskAsync<NoData>(data, source.ContentHash, second.Length)).Reason,
            StringComparison.Ordinal);

        DataBlock whole = await AskAsync<DataBlock>(data, index.Hash, 0);
        Assert.Equal(index.Bytes.ToArray(), MemoryMarshal.AsBytes(whole.Payload!.Memory.Span)[..whole.Count].ToArray());
        DataBlock rest = await AskAsync<DataBlock>(data, index.Hash, 70);
        Assert.Equal((70, index.Bytes.Length - 70, index.Bytes.Length), (rest.Offset, rest.Count, rest.Length));
        await AskAsync<NoData>(data, index.Hash, index.Bytes.Length);
        await AskAsync<NoData>(data, new string('0', 64), 0);
    }

    [Fact]
    public async Task WantData_PackingFails_IsAnsweredWithTheReasonAndTriedAgain()
    {
        int tries = 0;
        Source source = new(stream =>
        {
            if (++tries == 1)
            {
                throw new EndOfStreamException("the picture ends early");
            }

            ImageBlock.OfBytes("a", null, new ImageShape(1, 1, 1), [7]).WriteContent(stream);
        });
        IActorRef data = await StartAsync(source);
        Assert.Contains("ends early", (await AskAsync<NoData>(data, "hash", 0)).Reason, StringComparison.Ordinal);
        Assert.Equal("uint8 1 1 1\n".Length + 1, (await AskAsync<DataBlock>(data, source.ContentHash, 0)).Count);
        Assert.False(_failed.Task.IsCompleted);
    }

    private async Task<IActorRef> StartAsync(PairSource source)
    {
        IActorRef root = Sys.ActorOf(ActorProps.Of(() => new RootActor(failure => _failed.TrySetResult(failure))));
        Props data = ActorProps.Of(() => new DataSetActor(source));
        return await root.Ask<IActorRef>(new RootActor.Start(data, "data-set"));
    }

    private async Task<T> AskAsync<T>(IActorRef data, string hash, long offset)
        where T : CoordinatorMessage
    {
        data.Tell(new WorkerMessage.WantData(hash, offset), TestActor);
        return await ExpectMsgAsync<T>();
    }

    /// <summary>Pairs that are packed by a function.</summary>
    private sealed class Source(Action<Stream> pack) : PairSource
    {
        public override int Count => 1;

        public override ImageShape Shape => new(1, 1, 1);

        public override bool HasCleanTargets => true;

        public override string ContentHash => Packed.Hash;

        public override PackedContent Packed { get; } = new(pack);

        public override void Read(int index, int epoch, Span<float> input, Span<float> target)
        {
        }
    }
}
