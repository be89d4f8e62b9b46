using System.Diagnostics;
using Distributed.EndToEnd.Tests.Cluster;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>A disk that fills up while training runs.</summary>
public sealed class DiskFullTests
{
    /// <summary>
    /// Goal: a full disk ends the run with 7, and costs no more than the steps since the last checkpoint. Method: the
    /// run folder is on a small file system, which the test fills; then it makes room again and resumes.
    /// </summary>
    [FactWith(Need.Mount)]
    public async Task Train_DiskFillsUp_Exits7AndEarlierCheckpointsStay()
    {
        using TestFolder folder = new();
        using SmallDisk? disk = SmallDisk.Mount(folder["disk"], megabytes: 2);
        await CheckAsync(folder, Assert.IsType<SmallDisk>(disk));
    }

    /// <summary>
    /// Goal: a worker without room for the data says so, exits with 7, and costs the run nothing. Method: its cache is
    /// on a small file system that is full; another worker has a cache with room.
    /// </summary>
    [FactWith(Need.Mount)]
    public async Task Worker_WithoutRoomForTheData_Exits7_AndTheRunGoesOn()
    {
        using SmallRun run = new();
        using SmallDisk? disk = SmallDisk.Mount(Path.Combine(run.Folder, "disk"), megabytes: 1);
        Assert.IsType<SmallDisk>(disk).Fill();
        string[] more = ["--data", PairFile.Write(Path.Combine(run.Folder, "pairs.pkl"), 110), "--crop", "24"];
        RunningProgram coordinator = run.Coordinator([.. more, "--steps", "12", "--workers", "0"]);
        await run.UntilListens();
        RunningProgram full = run.Worker(
            "full", environment: new Dictionary<string, string> { ["DISTRIBUTED_CACHE"] = disk.Folder });
        Assert.True(await full.ExitCodeAsync() == 7, full.Error);
        Assert.Contains("The disk of full is full: ", full.Error, StringComparison.Ordinal);
        Assert.Contains("DISTRIBUTED_CACHE", full.Error, StringComparison.Ordinal);
        RunningProgram roomy = run.Worker("roomy", environment: new Dictionary<string, string>
        {
            ["DISTRIBUTED_CACHE"] = Path.Combine(run.Folder, "cache"),
        });
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(0, await roomy.ExitCodeAsync());
    }

    /// <summary>
    /// Goal: the same where the disk has room for some blocks, and is full in mid-run. Method: a worker with a small
    /// cache waits for another one, and both compute; the run ends with the weights of a local one.
    /// </summary>
    [FactWith(Need.Mount)]
    public async Task Worker_WhoseCacheFillsUpInMidRun_Exits7_AndTheRunGoesOn()
    {
        using SmallRun run = new();
        using SmallDisk? disk = SmallDisk.Mount(Path.Combine(run.Folder, "disk"), megabytes: 4);
        string stack = Path.Combine(run.Folder, "stack.tif");
        SparseStack.Write(stack, frames: 30, side: 1024, noisyFrames: 30);
        string[] train = ["--data", stack, "--crop", "16", "--holdout", "0", "--steps", "12"];
        string expected = await run.LocalHashAsync(train);
        RunningProgram coordinator = run.Coordinator([.. train, "--workers", "0", "--min-workers", "2"]);
        await run.UntilListens();
        RunningProgram full = run.Worker("full", environment: new Dictionary<string, string>
        {
            ["DISTRIBUTED_CACHE"] = Assert.IsType<SmallDisk>(disk).Folder,
        });
        RunningProgram roomy = run.Worker("roomy", environment: new Dictionary<string, string>
        {
            ["DISTRIBUTED_CACHE"] = Path.Combine(run.Folder, "cache"),
        });
        Assert.True(await full.ExitCodeAsync() == 7, full.Error);
        Assert.Contains("The disk of full is full: ", full.Error, StringComparison.Ordinal);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.Equal(0, await roomy.ExitCodeAsync());
    }

    /// <summary>A worker whose lines cannot be written works on without them.</summary>
    [FactWith(Need.Linux)]
    public async Task Worker_WhoseLogIsFull_WorksOn()
    {
        using SmallRun run = new();
        RunningProgram coordinator = run.Coordinator(["--steps", "12", "--workers", "0"]);
        await run.UntilListens();
        string worker = Path.Combine(AppContext.BaseDirectory, "worker");
        using Process process = Process.Start("/bin/sh",
        [
            "-c", "exec \"$0\" \"$@\" > /dev/full 2>&1", worker, "--join", $"localhost:{run.Port}",
            "--threads", "1", "--token-file", run.TokenFile,
        ]);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(0, process.ExitCode);
    }

    private static async Task CheckAsync(TestFolder folder, SmallDisk disk)
    {
        PairFile.Write(folder["train.pkl"], 40);
        string[] options =
        [
            "train", "--json", "--data", "train.pkl", "--model", "n2n-initial:channels=4", "--batch", "8",
            "--shard", "3", "--steps", "600", "--holdout", "0",
        ];
        string[] undisturbed = [.. options, "--run", "undisturbed"];
        string expected = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, undisturbed));
        string[] onDisk = [.. options, "--run", "disk/run", "--checkpoint-every", "5"];
        using CoordinatorProcess process = CoordinatorProcess.Start(folder.Folder, onDisk);
        await process.WaitUntilAsync(() => Runs.Checkpoints(folder["disk/run"]).Length > 0);
        disk.Fill();
        ProcessResult full = await process.EndAsync();
        Assert.True(full.ExitCode == 7, full.ToString());
        Assert.Contains("full", full.ErrorLines[^2], StringComparison.Ordinal);
        Assert.Contains(folder["disk/run"], full.ErrorLines[^2], StringComparison.Ordinal);
        Assert.Contains("--resume", full.ErrorLines[^1], StringComparison.Ordinal);
        int last = Runs.Checkpoints(folder["disk/run"])[^1];

        disk.Empty();
        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, [.. onDisk, "--resume"]);
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Contains($"Resuming after step {last}", result.Error, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, 600), Runs.MetricSteps(folder["disk/run"]));
    }
}
