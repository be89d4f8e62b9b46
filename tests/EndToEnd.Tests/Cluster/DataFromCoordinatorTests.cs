using System.Globalization;
using System.Text.RegularExpressions;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Worker.Actors;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Training data that a worker does not have come from the coordinator, as far as they are needed.</summary>
public sealed partial class DataFromCoordinatorTests : IDisposable
{
    private static readonly Dictionary<string, string> s_fromFiles = new() { ["DISTRIBUTED_TEST_DATA_BYTES"] = "0" };

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-data-").FullName;

    private string Cache => Path.Combine(_folder, "cache");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Small data come whole, once; what is damaged in the cache is fetched again.</summary>
    [Fact]
    public async Task Folder_ComesOnce_IsCached_AndRepairedWhenDamaged()
    {
        DataOptions data = new() { Source = Pictures(count: 40, side: 300), Noise = "gaussian:25", Crop = 16 };
        await using ServedRun run = await ServedRun.StartAsync(data);
        string cached = Path.Combine(Cache, run.Job.Configuration.DataHash);
        byte[] packed = Pack(run.Job.Source);

        await JoinsAsync(run, own: null);
        Assert.True(packed.Length > 10_000_000); // So many blocks.
        Assert.Equal([cached], Directory.EnumerateFiles(Cache));
        AssertSame(packed, await File.ReadAllBytesAsync(cached));

        DateTime written = File.GetLastWriteTimeUtc(cached);
        await JoinsAsync(run, own: null);
        Assert.Equal(written, File.GetLastWriteTimeUtc(cached));

        await using (FileStream stream = File.OpenWrite(cached))
        {
            stream.Position = 5_000_000;
            stream.WriteByte(77);
            stream.WriteByte(78);
        }

        await JoinsAsync(run, own: null);
        AssertSame(packed, await File.ReadAllBytesAsync(cached));
    }

    /// <summary>
    /// Goal: of large data workers fetch the blocks that they need. Method: two workers with one cache train three
    /// steps on a stack of 640 MiB; they fetch a small part of it, and the weights are those of a local run.
    /// </summary>
    [Fact]
    public async Task LargeStack_IsFetchedInPart_AndHasTheLocalRunsBits()
    {
        using SmallRun run = new();
        string[] train = [.. Stack(frames: 160), "--steps", "3"];
        string expected = await run.LocalHashAsync(train);
        RunningProgram coordinator = run.Coordinator(
            [.. train, "--workers", "0", "--min-workers", "2"], environment: s_fromFiles);
        await run.UntilListens();
        RunningProgram[] workers = [.. new[] { "a", "b" }.Select(name => run.Worker(name, environment: WithCache()))];
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        int fetched = 0;
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
            Match said = FetchedPattern().Matches(worker.Error)[^1];
            Assert.Equal("2561", said.Groups["all"].Value);
            fetched += int.Parse(said.Groups["fetched"].Value, CultureInfo.InvariantCulture);
        }

        Assert.InRange(fetched, 3 * 32, 2561 / 6);
        Assert.True(new FileInfo(Assert.Single(Directory.GetFiles(Cache))).Length > 640 << 20);
    }

    /// <summary>A worker whose coordinator dies while it fetches goes on with the next one, to the same bits.</summary>
    [Fact]
    public async Task CoordinatorKilled_WhileAWorkerFetches_ItGoesOnWithTheNextOne()
    {
        using SmallRun run = new();
        string[] train = [.. Stack(frames: 40), "--steps", "30"];
        string expected = await run.LocalHashAsync(train);
        string[] arguments = [.. train, "--workers", "0", "--checkpoint-every", "5", "--resume=auto"];
        RunningProgram killed = run.Coordinator(arguments, environment: s_fromFiles);
        await run.UntilListens();
        RunningProgram worker = run.Worker("a", environment: WithCache());
        await run.UntilSteps(7);
        killed.KillHard();
        RunningProgram coordinator = run.Coordinator(arguments, environment: s_fromFiles);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        Assert.Equal(3, worker.Error.Split("Joined as").Length);
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

    private static void AssertSame(byte[] expected, byte[] found) =>
        Assert.True(expected.AsSpan().SequenceEqual(found));

    private static byte[] Pack(PairSource source)
    {
        using MemoryStream packed = new();
        source.Packed!.WriteTo(packed);
        return packed.ToArray();
    }

    /// <summary>With a range in which black is not 0: blocks of zeros are right before they are fetched.</summary>
    private string[] Stack(int frames) =>
    [
        "--data", SparseStack.Write(Path.Combine(_folder, "stack.tif"), frames, side: 1024, noisyFrames: frames),
        "--crop", "16", "--holdout", "0", "--range", "1000:60000",
    ];

    private Dictionary<string, string> WithCache() => new() { ["DISTRIBUTED_CACHE"] = Cache };

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

    [GeneratedRegex(@"(?<fetched>\d+) of (?<all>\d+) blocks of the training data fetched")]
    private static partial Regex FetchedPattern();
}
