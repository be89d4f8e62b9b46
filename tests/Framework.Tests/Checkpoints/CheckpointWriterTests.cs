using Distributed.Framework.Checkpoints;

namespace Distributed.Framework.Tests.Checkpoints;

/// <summary>Saving beside training: bounded, faults surface, memory goes round.</summary>
public sealed class CheckpointWriterTests : IDisposable
{
    private static readonly CheckpointLayout s_layout =
        new([new("0.weight", [1000, 1000])], [], [new("exp_avg.0.weight", [1000, 1000])]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Post_SeveralSnapshots_AllAreOnDiskAfterComplete()
    {
        CheckpointStore store = new(_folder.Path, keep: 10);
        List<string> saved = [];
        await using (CheckpointWriter writer = new(store, s_layout, "{}", saved.Add))
        {
            for (int step = 1; step <= 4; step++)
            {
                await PostAsync(writer, step, score: step == 2 ? 30 : null);
            }

            await writer.CompleteAsync();
            Assert.Throws<InvalidOperationException>(() => writer.Post(new CheckpointSnapshot(s_layout)));
        }

        Assert.Equal(5, saved.Count);
        Assert.Equal(4, store.FindLatest()!.Step);
        Assert.Equal(4, store.FindLatest()!.Parameters[0].Values.Span[999_999]);
        Assert.Equal(2, CheckpointFile.Read(store.BestPath).Step);
    }

    [Fact]
    public async Task Rent_BothInUse_WaitsForOne()
    {
        await using CheckpointWriter writer = new(new CheckpointStore(_folder.Path), s_layout, "{}");
        CheckpointSnapshot first = await writer.RentAsync();
        CheckpointSnapshot second = await writer.RentAsync();
        Task<CheckpointSnapshot> third = writer.RentAsync().AsTask();

        Assert.False(third.IsCompleted);
        second.Extra["left"] = "over";
        writer.Return(second);

        Assert.Same(second, await third);
        Assert.Empty(second.Extra);
        writer.Return(first);
    }

    [Fact]
    public async Task Rent_ManySaves_TheSameTwoSnapshotsGoRound()
    {
        HashSet<CheckpointSnapshot> seen = [];
        await using CheckpointWriter writer = new(new CheckpointStore(_folder.Path, keep: 1), s_layout, "{}");
        for (int step = 1; step <= 8; step++)
        {
            seen.Add(await PostAsync(writer, step));
        }

        Assert.InRange(seen.Count, 1, 2);
    }

    /// <summary>A snapshot has 8,000,000 bytes; writing and verifying it may take a few file buffers.</summary>
    [Fact]
    public void Save_LargeSnapshot_AllocatesNoLargeArray()
    {
        CheckpointStore store = new(_folder.Path, keep: 1);
        Checkpoint checkpoint = new CheckpointSnapshot(s_layout).ToCheckpoint("{}");
        store.Save(checkpoint);
        long before = GC.GetAllocatedBytesForCurrentThread();

        store.Save(checkpoint);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400_000);
    }

    [Fact]
    public async Task Post_DiskFull_TheNextCallThrowsOnceAndSavingGoesOn()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        bool full = true;
        CheckpointStore store = new(_folder.Path, 3, path => full
            ? new FileStream("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)
            : new FileStream(path, FileMode.Create));
        CheckpointWriter writer = new(store, s_layout, "{}");
        await PostAsync(writer, 1);

        // The first save has failed when both snapshots are free again.
        CheckpointSnapshot other = await writer.RentAsync();
        Task<CheckpointSnapshot> first = writer.RentAsync().AsTask();
        writer.Return(await first);
        writer.Return(other);
        Exception? fault = await Record.ExceptionAsync(async () => await writer.RentAsync());
        full = false;
        await PostAsync(writer, 2);
        await writer.CompleteAsync();

        Assert.True(AtomicFile.IsDiskFull(Assert.IsType<IOException>(fault)), $"{fault}");
        Assert.Equal(2, store.FindLatest()!.Step);
    }

    [Fact]
    public async Task Complete_LastSaveFailed_Throws()
    {
        CheckpointStore store = new(_folder.Path, 3, _ => throw new IOException("broken"));
        CheckpointWriter writer = new(store, s_layout, "{}");
        await PostAsync(writer, 1);

        await Assert.ThrowsAsync<IOException>(writer.CompleteAsync);
        await writer.DisposeAsync();
    }

    private static async Task<CheckpointSnapshot> PostAsync(CheckpointWriter writer, long step, double? score = null)
    {
        CheckpointSnapshot snapshot = await writer.RentAsync();
        snapshot.Step = step;
        snapshot.Score = score;
        snapshot.Parameters[0].Span.Fill(step);
        snapshot.OptimizerState[0].Span.Fill(-step);
        writer.Post(snapshot);
        return snapshot;
    }
}
