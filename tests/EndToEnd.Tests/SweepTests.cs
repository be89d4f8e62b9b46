using System.Text.Json;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.EndToEnd.Tests.Cluster;

namespace Distributed.EndToEnd.Tests;

/// <summary>Sweeps as processes: where and in how many lives the trials are computed changes no bit of them.</summary>
public sealed class SweepTests
{
    private static readonly string[] s_grid = ["--grid", "eps=1e-8,1e-6", "--repeat", "2"];

    /// <summary>Ctrl+C in the middle of trials that run at once; then one after the other to the end.</summary>
    [Fact]
    public async Task Sweep_InterruptedAndResumed_GivesTheSameWeights()
    {
        using TestFolder folder = new();
        string[] sweep =
        [
            "sweep", .. s_grid, "--model", "n2n-initial:channels=4", "--limit", "100", "--batch", "10",
            "--steps", "150",
        ];
        ProcessResult whole = await CoordinatorProcess.RunAsync(
            folder.Folder, [.. sweep, "--run", "whole", "--parallel", "2"]);
        Assert.True(whole.ExitCode == 0, whole.ToString());

        using (CoordinatorProcess process = CoordinatorProcess.Start(
            folder.Folder, [.. sweep, "--run", "cut", "--parallel", "2"]))
        {
            await process.WaitUntilAsync(() => Trials(folder["cut"]).Length > 0);
            process.SendInterrupt();
            ProcessResult cut = await process.EndAsync();
            Assert.True(cut.ExitCode is 130 or 0, cut.ToString());
        }

        ProcessResult resumed = await CoordinatorProcess.RunAsync(
            folder.Folder, "sweep", "--run", "cut", "--resume", "--parallel", "1", "--json");
        Assert.True(resumed.ExitCode == 0, resumed.ToString());
        Assert.Equal(4, Runs.Summary(resumed).GetProperty("done").GetInt32());
        Assert.Equal(4, Trials(folder["cut"]).Length);
        Assert.Equal(Hashes(folder["whole"]), Hashes(folder["cut"]));
        Assert.Equal(4, Hashes(folder["cut"]).Distinct().Count());
        Assert.Equal(150, Runs.MetricSteps(Path.GetDirectoryName(Trials(folder["cut"])[0])!).Length);
    }

    /// <summary>Two workers compute all trials, over one address, with one token, and end after the last.</summary>
    [Fact]
    public async Task Sweep_WithWorkersThatJoin_GivesTheLocalSweepsWeights_AndLetsTheWorkersGo()
    {
        using SmallRun run = new();
        string local = Path.Combine(run.Folder, "local");
        ProcessResult expected = await CoordinatorProcess.RunAsync(
            run.Folder, ["sweep", .. s_grid, "--steps", "6", "--run", local, .. SmallRun.Configuration]);
        Assert.True(expected.ExitCode == 0, expected.ToString());

        RunningProgram coordinator = run.Sweep([.. s_grid, "--steps", "6", "--min-workers", "2"]);
        await run.UntilListens();
        RunningProgram[] workers = [run.Worker("a"), run.Worker("b")];
        await RunningProgram.Until(
            async () => coordinator.HasExited || await run.MetricAsync("distributed_steps_total") >= 20,
            "20 steps of all trials"); // Of the four trials' 24: one port, and one count, for all of them.
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }

        Assert.Equal(4, (int)coordinator.Result["done"]!);
        Assert.Equal(Hashes(local), Hashes(run.Run));
    }

    private static string[] Trials(string run)
    {
        string trials = Path.Combine(run, "trials");
        return Directory.Exists(trials)
            ? [.. Directory.GetFiles(trials, "trial.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
            : [];
    }

    private static string[] Hashes(string run) =>
    [
        .. Trials(run).Select(path => JsonDocument.Parse(File.ReadAllText(path)).RootElement
            .GetProperty("weightsSha256").GetString()!),
    ];
}
