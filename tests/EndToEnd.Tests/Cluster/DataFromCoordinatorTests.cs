using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Worker.Actors;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Training data that a worker does not have come from the coordinator, once.</summary>
public sealed class DataFromCoordinatorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-data-").FullName;

    private string Cache => Path.Combine(_folder, "cache");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Folder_ComesOnce_IsCached_AndRepairedWhenDamaged()
    {
        DataOptions data = new() { Source = Pictures(count: 40, side: 300), Noise = "gaussian:25", Crop = 16 };
        await using ServedRun run = await ServedRun.StartAsync(data);
        string blob = Path.Combine(Cache, run.Job.Configuration.DataHash);

        await JoinsAsync(run, own: null);
        Assert.True(new FileInfo(blob).Length > 10_000_000); // So more than one block.
        Assert.Single(Directory.EnumerateFiles(Cache));
        PairSource packed = DataSources.OpenPacked(data, blob, run.Job.Configuration.DataHash);
        AssertSame(run.Job.Source, packed);

        DateTime written = File.GetLastWriteTimeUtc(blob);
        await JoinsAsync(run, own: null);
        Assert.Equal(written, File.GetLastWriteTimeUtc(blob));

        await using (FileStream stream = File.OpenWrite(blob))
        {
            stream.Position = 5_000_000;
            stream.WriteByte(77);
            stream.WriteByte(78);
        }

        Assert.Throws<DataException>(() => DataSources.OpenPacked(data, blob, run.Job.Configuration.DataHash));
        await JoinsAsync(run, own: null);
        AssertSame(run.Job.Source, DataSources.OpenPacked(data, blob, run.Job.Configuration.DataHash));
    }

    [Fact]
    public async Task OwnDisk_IsUsedIfTheHashMatches_ElseTheCoordinators()
    {
        DataOptions data = new() { Source = Pictures(count: 2, side: 20), Noise = "gaussian:25" };
        await using ServedRun run = await ServedRun.StartAsync(data);
        await JoinsAsync(run, own: data.Source);
        Assert.False(Directory.Exists(Cache));
        string other = Pictures(count: 3, side: 20);
        await JoinsAsync(run, own: other);
        Assert.Single(Directory.EnumerateFiles(Cache));
    }

    private static void AssertSame(PairSource expected, PairSource actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected.ContentHash, actual.ContentHash);
        Assert.Equal(expected.Shape, actual.Shape);
        int elements = expected.Shape.Elements;
        float[] left = new float[2 * elements];
        float[] right = new float[2 * elements];
        for (int i = 0; i < expected.Count; i++)
        {
            expected.Read(i, 3, left.AsSpan(0, elements), left.AsSpan(elements));
            actual.Read(i, 3, right.AsSpan(0, elements), right.AsSpan(elements));
            Assert.Equal(left, right);
        }
    }

    private async Task JoinsAsync(ServedRun run, string? own)
    {
        await using (RemoteWorker worker = run.Worker(new JobSource(own, Cache, _ => { })))
        {
            await RunningProgram.Until(
                () => Task.FromResult(worker.Ended.IsCompleted || run.WorkersReady == 1), "a ready worker");
            Assert.False(worker.Ended.IsCompleted);
            worker.Drain();
            await worker.Ended;
        }

        await RunningProgram.Until(() => Task.FromResult(run.WorkersReady == 0), "no worker");
    }

    private string Pictures(int count, int side)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString("N"))).FullName;
        Random random = new(count);
        for (int i = 0; i < count; i++)
        {
            byte[] pixels = new byte[3 * side * side];
            random.NextBytes(pixels);
            using FileStream file = File.Create(Path.Combine(folder, $"{i:000}.png"));
            PngEncoder.Encode(new PngImage(side, side, 3, pixels), file);
        }

        return folder;
    }
}
