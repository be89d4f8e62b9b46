using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>A run that ends early in any way goes on where it was, with the same bits.</summary>
public sealed class NothingLostTests
{
    private static readonly int s_steps = Scale.Of(small: 600, full: 5000);
    private static readonly int s_kills = Scale.Of(small: 2, full: 12);

    /// <summary>
    /// Goal: kill -9 at any instant costs steps, never bits or lines. Method: two lives or more are killed,
    /// each at a random moment after a checkpoint of its own; every life has other workers, threads and checkpoints.
    /// </summary>
    [Fact]
    public async Task Train_KilledTwice_EndsWithTheSameBits()
    {
        using TestFolder folder = Prepare();
        string expected = await UndisturbedAsync(folder);
        await KillAsync(folder, "--workers", "2", "--checkpoint-every", "7");
        for (int i = 1; i < s_kills; i++)
        {
            await KillAsync(folder, "--workers", $"{2 + (i % 2)}", "--checkpoint-every", $"{4 + i}", "--resume");
        }

        string[] last = Train("--workers", "1", "--threads", "2", "--resume");
        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, last);

        Assert.Equal(expected, Runs.Sha(result));
        Assert.Contains("Resuming after step", result.Error, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(folder["run"]));
        Assert.Equal(s_steps, Runs.Summary(result).GetProperty("steps").GetInt32());
    }

    [Fact]
    public async Task Train_Signals_SaveAndEndAndGoOn()
    {
        using TestFolder folder = Prepare();
        string expected = await UndisturbedAsync(folder);
        int first = await SignalAsync(folder, 130, process => process.SendInterrupt());
        int second = await SignalAsync(folder, 143, process => process.SendTerminate(), "--resume", "--workers", "3");
        Assert.True(second > first, $"{second} > {first}");

        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, Train("--resume"));
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(folder["run"]));
    }

    /// <summary>Schedulers and <c>timeout</c> send two: they mean one.</summary>
    [Fact]
    public async Task Train_TwoSignalsAtOnce_SaveAndEnd()
    {
        using TestFolder folder = Prepare();
        using CoordinatorProcess process = CoordinatorProcess.Start(
            folder.Folder, TrainIn("run", 1_000_000, "--checkpoint-every", "0"));
        await process.WaitUntilAsync(() => process.Error.Contains("step ", StringComparison.Ordinal));
        process.SendTerminate();
        process.SendTerminate();
        ProcessResult result = await process.EndAsync();

        Assert.Equal(143, result.ExitCode);
        Assert.Single(Runs.Checkpoints(folder["run"]));
    }

    /// <summary>A validation of a thousand images holds the end up, until a signal seconds after the first.</summary>
    [Fact]
    public async Task Train_LaterSignal_AbortsAtOnce()
    {
        using TestFolder folder = new();
        using CoordinatorProcess process = CoordinatorProcess.Start(
            folder.Folder, "train", "--json", "--model", "n2n-final:channels=400", "--steps", "1", "--limit", "8",
            "--run", "run");
        await process.WaitUntilAsync(() => process.Error.Contains("step 1/1", StringComparison.Ordinal));
        process.SendInterrupt();
        await process.WaitUntilAsync(() => process.Error.Contains("once more", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(2.1));
        process.SendInterrupt();
        ProcessResult result = await process.EndAsync();

        Assert.Equal(130, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.False(File.Exists(folder["run/model.safetensors"]));
    }

    [Fact]
    public async Task Resume_NoCheckpointYet_BeginsAtStepZero()
    {
        using TestFolder folder = Prepare();
        string expected = await UndisturbedAsync(folder);
        using (CoordinatorProcess process = CoordinatorProcess.Start(folder.Folder, Train("--checkpoint-every", "0")))
        {
            await process.WaitUntilAsync(() => process.Error.Contains("step ", StringComparison.Ordinal));
            await process.KillAsync();
        }

        Assert.Empty(Runs.Checkpoints(folder["run"]));
        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, Train("--resume"));
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(folder["run"]));
    }

    [Fact]
    public async Task Resume_DamagedCheckpoints_TakesTheNewestValidOne()
    {
        using TestFolder folder = Prepare();
        string[] all = TrainIn("run", 80, "--checkpoint-every", "20");
        string expected = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, all));

        // Which ones there are depends on how long the disk took: a save that is due waits for the one before.
        int[] steps = Runs.Checkpoints(folder["run"]);
        Assert.Equal(3, steps.Length);
        Runs.Damage(Runs.Checkpoint(folder["run"], steps[2]));
        File.WriteAllBytes(Runs.Checkpoint(folder["run"], steps[1]), []);
        ProcessResult result = await CoordinatorProcess.RunAsync(folder.Folder, [.. all, "--resume"]);
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Contains($"Resuming after step {steps[0]}", result.Error, StringComparison.Ordinal);
        Assert.Contains("step-00000080", result.Error, StringComparison.Ordinal);

        Array.ForEach(Runs.Checkpoints(folder["run"]), step => Runs.Damage(Runs.Checkpoint(folder["run"], step)));
        Dictionary<string, string> before = TestFolder.Contents(folder["run/checkpoints"]);
        ProcessResult refused = await CoordinatorProcess.RunAsync(folder.Folder, [.. all, "--resume"]);
        Assert.True(refused.ExitCode == 6, refused.ToString());
        Assert.Contains("checkpoints", refused.ErrorLines[^2], StringComparison.Ordinal);
        Assert.Contains("backup", refused.ErrorLines[^1], StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Contents(folder["run/checkpoints"]));
    }

    private static TestFolder Prepare()
    {
        TestFolder folder = new();
        PairFile.Write(folder["train.pkl"], 100);
        return folder;
    }

    private static async Task<string> UndisturbedAsync(TestFolder folder) =>
        Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, TrainIn("undisturbed", s_steps, "--workers", "2")));

    private static string[] Train(params string[] more) => TrainIn("run", s_steps, more);

    private static string[] TrainIn(string run, int steps, params string[] more) =>
    [
        "train", "--json", "--model", "n2n-initial:channels=4", "--data", "train.pkl", "--batch", "23", "--shard", "3",
        "--steps", $"{steps}", "--run", run, .. more,
    ];

    private static async Task KillAsync(TestFolder folder, params string[] arguments)
    {
        int before = Runs.Checkpoints(folder["run"]).LastOrDefault();
        using CoordinatorProcess process = CoordinatorProcess.Start(folder.Folder, Train(arguments));
        await process.WaitUntilAsync(() => Runs.Checkpoints(folder["run"]).LastOrDefault() > before);
        await Task.Delay(Random.Shared.Next(120));
        await process.KillAsync();
        Assert.InRange(Runs.Checkpoints(folder["run"])[^1], before + 1, s_steps - 1);
    }

    private static async Task<int> SignalAsync(
        TestFolder folder, int exitCode, Action<CoordinatorProcess> signal, params string[] arguments)
    {
        string run = folder["run"];
        int before = Runs.Checkpoints(run).LastOrDefault();
        using CoordinatorProcess process = CoordinatorProcess.Start(
            folder.Folder, Train(["--checkpoint-every", "9", .. arguments]));
        await process.WaitUntilAsync(() => Runs.Checkpoints(run).LastOrDefault() > before);
        signal(process);
        ProcessResult result = await process.EndAsync();
        Assert.True(result.ExitCode == exitCode, result.ToString());
        int steps = Runs.Summary(result).GetProperty("steps").GetInt32();
        Assert.InRange(steps, before + 1, s_steps - 1);
        Assert.Equal(steps, Runs.Checkpoints(run)[^1]);
        return steps;
    }
}
