using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Checkpoints;
using Distributed.Protocol.Actors;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>Saving beside training: faults are answers, memory comes back.</summary>
public sealed class CheckpointActorTests() : TestKit("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
{
    private static readonly CheckpointLayout s_layout =
        new([new("0.weight", [100, 100])], [], [new("exp_avg.0.weight", [100, 100])]);

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-checkpoints-").FullName;

    [Fact]
    public async Task Write_SeveralSnapshots_AllAreOnDiskAndComeBack()
    {
        CheckpointStore store = new(_folder, keep: 10);
        IActorRef checkpoints = Start(store);
        for (int step = 1; step <= 4; step++)
        {
            CheckpointSnapshot snapshot = Snapshot(step, score: step == 2 ? 30 : null);
            checkpoints.Tell(new CheckpointActor.Write(snapshot), TestActor);
            CheckpointActor.Written written = await ExpectMsgAsync<CheckpointActor.Written>();
            Assert.Same(snapshot, written.Snapshot);
            Assert.Null(written.Fault);
            Assert.Equal(step, written.Step.Value);
        }

        Assert.Equal(4, store.FindLatest()!.Step);
        Assert.Equal(4, store.FindLatest()!.Parameters[0].Values.Span[9_999]);
        Assert.Equal(2, CheckpointFile.Read(store.BestPath).Step);
    }

    [FactWith(Need.Linux)]
    public async Task Write_DiskIsFull_AnswersTheFaultAndSavingGoesOn()
    {
        bool full = true;
        CheckpointStore store = new(_folder, 3, path => full
            ? new FileStream("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)
            : new FileStream(path, FileMode.Create));
        IActorRef checkpoints = Start(store);
        checkpoints.Tell(new CheckpointActor.Write(Snapshot(1)), TestActor);
        Exception? fault = (await ExpectMsgAsync<CheckpointActor.Written>()).Fault;
        full = false;
        checkpoints.Tell(new CheckpointActor.Write(Snapshot(2)), TestActor);
        Assert.Null((await ExpectMsgAsync<CheckpointActor.Written>()).Fault);

        Assert.True(AtomicFile.IsDiskFull(Assert.IsType<IOException>(fault)), $"{fault}");
        Assert.Equal(2, store.FindLatest()!.Step);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    private static CheckpointSnapshot Snapshot(long step, double? score = null)
    {
        CheckpointSnapshot snapshot = new(s_layout) { Step = step, Score = score };
        snapshot.Parameters[0].Span.Fill(step);
        return snapshot;
    }

    private IActorRef Start(CheckpointStore store) =>
        Sys.ActorOf(ActorProps.Of(() => new CheckpointActor(store, "{}")));
}
