using Distributed.EndToEnd.Tests.Cluster;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>Data that are larger than memory: the bits of a run in memory, and no more memory than for less.</summary>
public sealed class LargeDataTests : IDisposable
{
    private const int Mebi = 1 << 20;

    private static readonly Dictionary<string, string> s_fromFiles = new() { ["DISTRIBUTED_TEST_DATA_BYTES"] = "0" };
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_FromFiles_HasTheBitsOfARunInMemory()
    {
        string stack = SparseStack.Write(_folder["stack.tif"], frames: 12, side: 200, noisyFrames: 12);
        string[] train =
        [
            "train", "--data", stack, "--crop", "32", "--augment", "--model", "n2n-initial:channels=4", "--batch", "7",
            "--shard", "2", "--steps", "12", "--json",
        ];
        ProcessResult memory = await CoordinatorProcess.RunAsync(
            _folder.Folder, null, [.. train, "--workers", "1", "--run", "memory"]);
        Assert.DoesNotContain("read from disk", memory.Error, StringComparison.Ordinal);
        string expected = Runs.Sha(memory);
        foreach (string workers in new[] { "1", "2" })
        {
            ProcessResult files = await CoordinatorProcess.RunAsync(
                _folder.Folder, s_fromFiles, [.. train, "--workers", workers, "--run", "files" + workers]);
            Assert.Contains("read from disk as needed", files.Error, StringComparison.Ordinal);
            Assert.Equal(expected, Runs.Sha(files));
            Assert.Equal(
                Runs.Summary(memory).GetProperty("psnrEstimated").GetRawText(),
                Runs.Summary(files).GetProperty("psnrEstimated").GetRawText());
        }
    }

    [Fact]
    public async Task WorkerElsewhere_FromItsDisk_HasTheBitsOfARunInMemory()
    {
        using SmallRun run = new();
        string[] train =
        [
            "--data", SparseStack.Write(_folder["stack.tif"], frames: 40, side: 128, noisyFrames: 40), "--crop", "16",
            "--holdout", "0", "--steps", "10", "--checkpoint-every", "0",
        ];
        string expected = await run.LocalHashAsync(train);
        Dictionary<string, string> environment = new(s_fromFiles) { ["DISTRIBUTED_CACHE"] = _folder["cache"] };
        RunningProgram coordinator = run.Coordinator(
            [.. train, "--workers", "1", "--min-workers", "2"], environment: s_fromFiles);
        await run.UntilListens();
        RunningProgram worker = run.Worker("a", environment: environment);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        Assert.Single(Directory.GetFiles(_folder["cache"]));
    }

    /// <summary>
    /// Stacks of 128 and 512 MiB (full: 1 and 4 GiB) need the same memory, to train on and to be denoised.
    /// </summary>
    [FactWith(Need.Linux)]
    public async Task Stacks_OfAnySize_NeedTheSameMemory()
    {
        string model = _folder["model.json"];
        await File.WriteAllTextAsync(
            model, """[{"type":"Conv2d","in_channels":1,"out_channels":1,"kernel_size":3,"padding":1}]""");
        List<long> trained = [];
        List<long> denoised = [];
        foreach (int size in new[] { Scale.Of(128, 1024), Scale.Of(512, 4096) })
        {
            string stack = SparseStack.Write(_folder["stack.tif"], frames: size / 2, side: 1024, noisyFrames: size / 4);
            trained.Add(await PeakAsync(
                "train", "--data", stack, "--model", model, "--crop", "64", "--batch", "16", "--steps", "20",
                "--holdout", "0", "--workers", "1", "--run", $"run{size}"));
            denoised.Add(await PeakAsync("denoise", "--run", $"run{size}", stack, _folder["out.tif"], "--force"));
            Assert.Equal(new FileInfo(stack).Length / Mebi, new FileInfo(_folder["out.tif"]).Length / Mebi);
        }

        foreach (List<long> peaks in new[] { trained, denoised })
        {
            Assert.True(peaks.TrueForAll(peak => peak is > 0 and < 1024L * Mebi), string.Join(' ', peaks));
            Assert.True(peaks[1] - peaks[0] < 100 * Mebi, string.Join(' ', peaks));
        }
    }

    /// <summary>20 GB of which 50 pairs are asked for open and train at once.</summary>
    [Fact]
    public async Task Stack_OfTwentyGigabytes_TrainsOnItsFirstPairs()
    {
        string stack = SparseStack.Write(_folder["stack.tif"], frames: 10_000, side: 1024, noisyFrames: 100);
        Assert.True(new FileInfo(stack).Length > 20_000_000_000);
        ProcessResult result = await CoordinatorProcess.RunAsync(
            _folder.Folder,
            "train", "--data", stack, "--limit", "50", "--model", "n2n-initial:channels=4", "--crop", "32", "--batch",
            "8", "--steps", "10", "--holdout", "0", "--workers", "1", "--json", "--run", "run");
        Assert.Equal(64, Runs.Sha(result).Length);
        Assert.Contains("50 of 1 x 1024 x 1024, uint16", result.Error, StringComparison.Ordinal);
        Assert.Contains("read from disk as needed", result.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// A picture of 4,128 x 4,128 (full: 8,192 x 8,192, as PNG too) is denoised in 600 MiB by the default model.
    /// </summary>
    [FactWith(Need.Linux)]
    public async Task LargePicture_IsDenoisedInLittleMemory()
    {
        int side = Scale.Of(4128, 8192);
        string small = SparseStack.Write(_folder["small.tif"], frames: 40, side: 64, noisyFrames: 40);
        ProcessResult trained = await CoordinatorProcess.RunAsync(
            _folder.Folder, "train", "--data", small, "--steps", "1", "--workers", "1", "--run", "run");
        Assert.True(trained.ExitCode == 0, trained.ToString());
        SparseStack.Write(_folder["picture.tif"], frames: 1, side, noisyFrames: 1);
        (string Input, string Output)[] all =
            [("picture.tif", "out.tif"), ("picture.tif", "out.png"), ("out.png", "again.png")];
        foreach ((string input, string output) in all.Take(Scale.Of(1, all.Length)))
        {
            long peak = await PeakAsync("denoise", "--run", "run", input, output, "--threads", "2");
            Assert.InRange(peak, 1, 600L * Mebi);
        }
    }

    private async Task<long> PeakAsync(params string[] arguments)
    {
        (ProcessResult result, long peak) =
            await CoordinatorProcess.MeasureAsync(_folder.Folder, environment: null, arguments);
        Assert.True(result.ExitCode == 0, result.ToString());
        return peak;
    }
}
