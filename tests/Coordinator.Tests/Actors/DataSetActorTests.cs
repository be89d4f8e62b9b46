using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Framework.Data;
using Distributed.Framework.Tensors;
using Distributed.Protocol;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>Whatever happens to the data, a question has an answer, and a full disk is told apart.</summary>
public sealed class DataSetActorTests() : TestKit("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
{
    private const int DiskFull = 28;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"data-{Guid.NewGuid():N}");
    private readonly TaskCompletionSource<ActorFailedException> _failed = new();

    [Fact]
    public async Task WantData_EveryOffset_IsAnsweredWithTheBlock()
    {
        byte[] content = new byte[(2 << 20) + 5];
        new Random(1).NextBytes(content);
        IActorRef data = await StartAsync(new Source(stream => stream.Write(content)));
        CoordinatorMessage.DataBlock first = await AskAsync<CoordinatorMessage.DataBlock>(data, 0);
        CoordinatorMessage.DataBlock second = await AskAsync<CoordinatorMessage.DataBlock>(data, 2 << 20);
        Assert.Equal((2 << 20, 5, content.Length), (first.Count, second.Count, (int)second.Length));
        byte[] tail = System.Runtime.InteropServices.MemoryMarshal.AsBytes(second.Payload!.Memory.Span)[..5].ToArray();
        Assert.Equal(content[^5..], tail);
        Assert.Contains("end", (await AskAsync<CoordinatorMessage.NoData>(data, content.Length)).Reason,
            StringComparison.Ordinal);
        await data.GracefulStop(TimeSpan.FromSeconds(5));
        Assert.False(File.Exists(_path));
    }

    [Fact]
    public async Task WantData_PackingFails_IsAnsweredWithTheReasonAndTriedAgain()
    {
        int tries = 0;
        IActorRef data = await StartAsync(new Source(stream =>
        {
            stream.WriteByte(1);
            if (++tries == 1)
            {
                throw new EndOfStreamException("the picture ends early");
            }
        }));
        Assert.Contains("ends early", (await AskAsync<CoordinatorMessage.NoData>(data, 0)).Reason,
            StringComparison.Ordinal);
        Assert.Equal(1, (await AskAsync<CoordinatorMessage.DataBlock>(data, 0)).Count);
        Assert.False(_failed.Task.IsCompleted);
    }

    [Fact]
    public async Task WantData_DiskIsFull_IsAnsweredAndEndsTheRunWithExitCode7()
    {
        IActorRef data = await StartAsync(new Source(_ => throw new IOException("No space left on device", DiskFull)));
        Assert.Contains("No space", (await AskAsync<CoordinatorMessage.NoData>(data, 0)).Reason,
            StringComparison.Ordinal);
        ActorFailedException failure = await _failed.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("data-set", failure.Name);
        Assert.Equal(ExitCodes.DiskFull, ErrorReport.Of(failure).ExitCode);
    }

    private async Task<IActorRef> StartAsync(PairSource source)
    {
        IActorRef root = Sys.ActorOf(ActorProps.Of(() => new RootActor(failure => _failed.TrySetResult(failure))));
        Props data = ActorProps.Of(() => new DataSetActor(source, _path));
        return await root.Ask<IActorRef>(new RootActor.Start(data, "data-set"));
    }

    private async Task<T> AskAsync<T>(IActorRef data, long offset)
        where T : CoordinatorMessage
    {
        data.Tell(new WorkerMessage.WantData("hash", offset), TestActor);
        return await ExpectMsgAsync<T>();
    }

    /// <summary>Pairs that are packed by a function.</summary>
    private sealed class Source(Action<Stream> pack) : PairSource
    {
        public override int Count => 1;

        public override ImageShape Shape => new(1, 1, 1);

        public override bool HasCleanTargets => true;

        public override string ContentHash => "hash";

        public override bool CanPack => true;

        public override void Pack(Stream target) => pack(target);

        public override void Read(int index, int epoch, Span<float> input, Span<float> target)
        {
        }
    }
}
