using Distributed.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace Distributed.EndToEnd.Tests;

/// <summary>A disk that fills up while training runs.</summary>
public sealed class DiskFullTests(ITestOutputHelper output)
{
    /// <summary>
    /// Goal: a full disk ends the run with 7, and costs no more than the steps since the last checkpoint. Method: the
    /// run folder is on a small file system, which the test fills; then it makes room again and resumes.
    /// </summary>
    [Fact]
    public async Task Train_DiskFillsUp_Exits7AndEarlierCheckpointsStay()
    {
        using TestFolder folder = new();
        using SmallDisk? disk = SmallDisk.Mount(folder["disk"], megabytes: 2);
        if (disk is null)
        {
            output.WriteLine("Not checked: this user may not mount a file system.");
            return;
        }

        await CheckAsync(folder, disk);
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
