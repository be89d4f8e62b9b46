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
    public async Task Post_SeveralSnapshots_AllAreOnDiskAtTheEnd()
    {
        CheckpointStore store = new(_folder.Path, keep: 10);
        CheckpointWriter writer = new(store, s_layout, "{}");
        for (int step = 1; step <= 4; step++)
        {
            _ = PostAsync(writer, await writer.RentAsync(), step, score: step == 2 ? 30 : null);
        }

        await writer.DisposeAsync();

        Assert.Equal(4, Directory.GetFiles(store.Folder).Length);
        Assert.Equal(4, store.FindLatest()!.Step);
        Assert.Equal(4, store.FindLatest()!.Parameters[0].Values.Span[999_999]);
        Assert.Equal(2, CheckpointFile.Read(store.BestPath).Step);
        Assert.Throws<InvalidOperationException>(() => { _ = writer.PostAsync(new CheckpointSnapshot(s_layout)); });
    }

    [Fact]
    public async Task Rent_BothInUse_WaitsForOneToBeSaved()
    {
        await using CheckpointWriter writer = new(new CheckpointStore(_folder.Path), s_layout, "{}");
        CheckpointSnapshot first = await writer.RentAsync();
        CheckpointSnapshot second = await writer.RentAsync();
        Task<CheckpointSnapshot> third = writer.RentAsync().AsTask();

        Assert.False(third.IsCompleted);
        second.Extra["left"] = "over";
        await PostAsync(writer, second, 1);

        Assert.Same(second, await third);
        Assert.Empty(second.Extra);
        Assert.NotSame(first, second);
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
    public async Task Post_DiskFull_ItsTaskFailsAndSavingGoesOn()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        bool full = true;
        CheckpointStore store = new(_folder.Path, 3, path => full
            ? new FileStream("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)
            : new FileStream(path, FileMode.Create));
        await using CheckpointWriter writer = new(store, s_layout, "{}");

        IOException fault = await Assert.ThrowsAsync<IOException>(
            async () => await PostAsync(writer, await writer.RentAsync(), 1));
        full = false;
        await PostAsync(writer, await writer.RentAsync(), 2);

        Assert.True(AtomicFile.IsDiskFull(fault), $"{fault}");
        Assert.Equal(2, store.FindLatest()!.Step);
    }

    private static Task PostAsync(CheckpointWriter writer, CheckpointSnapshot snapshot, long step, double? score = null)
    {
        snapshot.Step = step;
        snapshot.Score = score;
        snapshot.Parameters[0].Span.Fill(step);
        snapshot.OptimizerState[0].Span.Fill(-step);
        return writer.PostAsync(snapshot);
    }
}
