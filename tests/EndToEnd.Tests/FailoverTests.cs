using System.Text.Json;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>A run whose coordinator dies, leaves, stands still or loses its lock, with another one waiting.</summary>
public sealed class FailoverTests : IDisposable
{
    private static readonly int s_steps = Scale.Of(small: 600, full: 5000);

    /// <summary>As on a file system without locks.</summary>
    private static readonly Dictionary<string, string> s_unlocked = new()
    {
        ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1",
    };

    private readonly TestFolder _folder = new();
    private readonly List<CoordinatorProcess> _processes = [];

    public FailoverTests()
    {
        PairFile.Write(_folder["train.pkl"], 100);
    }

    public void Dispose()
    {
        _processes.ForEach(process => process.Dispose());
        _folder.Dispose();
    }

    /// <summary>The standby was there before the run, and writes its last lines.</summary>
    [Fact]
    public async Task Killed_StandbyTrainsOn_WithTheSameBits()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess standby = Start("standby", "--json", "--run", "run");
        await SaysAsync(standby, "standby: waits for a run in run");
        CoordinatorProcess holder = Start(Train());
        await SaysAsync(standby, $"standby: waits for process {holder.Id}");
        await SavesAsync(holder);
        await holder.KillAsync();

        ProcessResult result = await standby.EndAsync();
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Contains("standby: takes over run", result.Error, StringComparison.Ordinal);
        Assert.Contains("Resuming after step", result.Error, StringComparison.Ordinal);
        Assert.Contains($"Done after step {s_steps}", result.Error, StringComparison.Ordinal);
        Assert.Equal(s_steps, Runs.Summary(result).GetProperty("steps").GetInt32());
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(_folder["run"]));
        Assert.Equal("2\n", File.ReadAllText(_folder["run/term"]));
        Assert.Equal("finished", (await StatusAsync()).GetProperty("state").GetString());
    }

    /// <summary>Who took over stands still, so that it cannot end before the next standby is there.</summary>
    [Fact]
    public async Task Restarted_WhileAStandbyTookOver_BecomesTheStandby()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess second = Start("standby", "--json", "--run", "run");
        CoordinatorProcess first = Start(Train("--or-standby"));
        await SaysAsync(second, $"standby: waits for process {first.Id}");
        await SavesAsync(first);
        await first.KillAsync();
        await SaysAsync(second, "Resuming after step");
        second.Pause();
        CoordinatorProcess again = Start(Train("--or-standby", "--resume=auto"));
        await SaysAsync(again, $"standby: waits for process {second.Id}");
        await second.KillAsync();

        ProcessResult result = await again.EndAsync();
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(_folder["run"]));
        Assert.Equal("3\n", File.ReadAllText(_folder["run/term"]));
    }

    /// <summary>It may go on at any moment, so it is waited for, however long; and said.</summary>
    [Fact]
    public async Task StandsStill_NobodyTakesOver_AndItGoesOn()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess holder = Start(Train());
        await SavesAsync(holder);
        holder.Pause();
        int[] before = Runs.Checkpoints(_folder["run"]);
        CoordinatorProcess standby = Start("standby", "--json", "--run", "run");
        await SaysAsync(standby, $"standby: waits for process {holder.Id}");
        while ((await StatusAsync()).GetProperty("state").GetString() != "silent")
        {
            await Task.Delay(500);
        }

        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.True(standby.IsRunning, standby.Error);
        Assert.DoesNotContain("takes over", standby.Error, StringComparison.Ordinal);
        Assert.Equal("1\n", File.ReadAllText(_folder["run/term"]));
        Assert.Equal(before, Runs.Checkpoints(_folder["run"]));
        holder.Continue();

        Assert.Equal(expected, Runs.Sha(await holder.EndAsync()));
        ProcessResult result = await standby.EndAsync();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("finished", Runs.Summary(result).GetProperty("state").GetString());
        Assert.Equal("1\n", File.ReadAllText(_folder["run/term"]));
    }

    /// <summary>SIGTERM ends this process's part in the run, not the run: not a step is done twice.</summary>
    [Fact]
    public async Task Terminated_StandbyGoesOnAfterItsLastStep()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess standby = Start("standby", "--json", "--run", "run");
        CoordinatorProcess holder = Start(Train());
        await SaysAsync(standby, $"standby: waits for process {holder.Id}");
        await SavesAsync(holder);
        holder.SendTerminate();
        ProcessResult left = await holder.EndAsync();
        Assert.True(left.ExitCode == 143, left.ToString());
        int steps = Runs.Summary(left).GetProperty("steps").GetInt32();
        Assert.InRange(steps, 1, s_steps - 1);

        ProcessResult result = await standby.EndAsync();
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Contains($"Resuming after step {steps}\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_EndsTheRunForAll_AndItCanBeResumed()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess standby = Start("standby", "--json", "--run", "run");
        CoordinatorProcess holder = Start(Train());
        await SaysAsync(standby, $"standby: waits for process {holder.Id}");
        await SavesAsync(holder);
        ProcessResult stop = await CoordinatorProcess.RunAsync(_folder.Folder, "stop", "--json", "--run", "run");
        Assert.True(stop.ExitCode == 0, stop.ToString());
        ProcessResult stopped = await holder.EndAsync();
        Assert.True(stopped.ExitCode == 130, stopped.ToString());
        int steps = Runs.Summary(stopped).GetProperty("steps").GetInt32();
        Assert.InRange(steps, 1, s_steps - 1);
        Assert.Equal(steps, Runs.Summary(stop).GetProperty("steps").GetInt32());
        Assert.Equal(steps, Runs.Checkpoints(_folder["run"])[^1]);
        ProcessResult ended = await standby.EndAsync();
        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Equal("stopped", Runs.Summary(ended).GetProperty("state").GetString());
        Assert.Equal("stopped", (await StatusAsync()).GetProperty("state").GetString());

        Assert.Equal(expected, Runs.Sha(await CoordinatorProcess.RunAsync(_folder.Folder, Train("--resume"))));
    }

    /// <summary>
    /// Goal: two coordinators never both save. Method: the lock file is removed under the holder, so that the standby
    /// takes over while the holder trains on; what it finds at its end is of one hand.
    /// </summary>
    [Fact]
    public async Task LockFileRemoved_HolderEndsBeforeItSaves_StandbyTrainsOn()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess standby = Start("standby", "--json", "--run", "run");
        CoordinatorProcess holder = Start(Train());
        await SaysAsync(standby, $"standby: waits for process {holder.Id}");
        await SavesAsync(holder);
        File.Delete(_folder["run/lock"]);

        ProcessResult lost = await holder.EndAsync();
        Assert.True(lost.ExitCode == 1, lost.ToString());
        Assert.Contains("\"exitCode\":1", lost.Output, StringComparison.Ordinal);
        Assert.Contains(_folder["run"], lost.ErrorLines[^2], StringComparison.Ordinal);
        Assert.Contains("nothing more was written here", lost.ErrorLines[^1], StringComparison.Ordinal);
        ProcessResult result = await standby.EndAsync();
        Assert.Equal(expected, Runs.Sha(result));
        Assert.Equal(Enumerable.Range(1, s_steps), Runs.MetricSteps(_folder["run"]));
        Assert.Equal("2\n", File.ReadAllText(_folder["run/term"]));
    }

    /// <summary>Held by one that is no coordinator: it raises no term.</summary>
    [Fact]
    public async Task LockFileReplacedAndHeld_HolderEndsBeforeItSaves()
    {
        string expected = await UndisturbedAsync();
        CoordinatorProcess holder = Start(Train());
        await SavesAsync(holder);
        holder.Pause();
        int[] before = Runs.Checkpoints(_folder["run"]);
        File.Delete(_folder["run/lock"]);
        using (new FileStream(_folder["run/lock"], FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            holder.Continue();
            ProcessResult lost = await holder.EndAsync();
            Assert.True(lost.ExitCode == 1, lost.ToString());
            Assert.Contains(_folder["run/lock"], lost.ErrorLines[^2], StringComparison.Ordinal);

            // It may have been stopped between a new checkpoint and the removal of the oldest.
            int[] after = Runs.Checkpoints(_folder["run"]);
            Assert.Empty(after.Except(before));
            Assert.Equal(before[^1], after[^1]);
            Assert.False(File.Exists(_folder["run/model.safetensors"]));
        }

        Assert.Equal(expected, Runs.Sha(await CoordinatorProcess.RunAsync(_folder.Folder, Train("--resume"))));
    }

    /// <summary>A process without file locking would not be kept out, nor keep others out: it writes nothing.</summary>
    [Fact]
    public async Task FileLockingSwitchedOff_IsRefused_AndCostsTheHolderNothing()
    {
        ProcessResult alone = await CoordinatorProcess.RunAsync(_folder.Folder, s_unlocked, Train());
        Assert.True(alone.ExitCode == 1, alone.ToString());
        Assert.Contains("DOTNET_SYSTEM_IO_DISABLEFILELOCKING", alone.ErrorLines[^1], StringComparison.Ordinal);
        Assert.Equal([_folder["run/lock"]], Directory.GetFileSystemEntries(_folder["run"]));

        CoordinatorProcess holder = Start(Train());
        await SavesAsync(holder);
        ProcessResult second = await CoordinatorProcess.RunAsync(_folder.Folder, s_unlocked, Train("--resume"));
        Assert.True(second.ExitCode == 1, second.ToString());
        string[] standby = ["standby", "--json", "--run", "run"];
        ProcessResult refused = await CoordinatorProcess.RunAsync(_folder.Folder, s_unlocked, standby);
        Assert.True(refused.ExitCode == 3, refused.ToString());
        Assert.Contains("does not keep others out", refused.ErrorLines[^2], StringComparison.Ordinal);
        string[] doctor = ["doctor", "--run", "run"];
        ProcessResult sick = await CoordinatorProcess.RunAsync(_folder.Folder, s_unlocked, doctor);
        Assert.True(sick.ExitCode == 1, sick.ToString());
        Assert.Contains("FAIL lock", sick.Output, StringComparison.Ordinal);

        Assert.Equal(s_steps, Runs.Summary(await holder.EndAsync()).GetProperty("steps").GetInt32());
        Assert.Equal("1\n", File.ReadAllText(_folder["run/term"]));
    }

    private static string[] Train(params string[] more) => TrainIn("run", ["--checkpoint-every", "15", .. more]);

    private static string[] TrainIn(string run, params string[] more) =>
    [
        "train", "--json", "--model", "n2n-initial:channels=4", "--data", "train.pkl", "--batch", "23", "--shard", "3",
        "--steps", $"{s_steps}", "--run", run, "--workers", "2", .. more,
    ];

    /// <summary>Within a test's patience for the process.</summary>
    private static Task SaysAsync(CoordinatorProcess process, string line) =>
        process.WaitUntilAsync(() => process.Error.Contains(line, StringComparison.Ordinal));

    private Task SavesAsync(CoordinatorProcess process) =>
        process.WaitUntilAsync(() => Runs.Checkpoints(_folder["run"]).Length > 0);

    private CoordinatorProcess Start(params string[] arguments)
    {
        CoordinatorProcess process = CoordinatorProcess.Start(_folder.Folder, arguments);
        _processes.Add(process);
        return process;
    }

    private async Task<string> UndisturbedAsync() =>
        Runs.Sha(await CoordinatorProcess.RunAsync(_folder.Folder, TrainIn("undisturbed")));

    private async Task<JsonElement> StatusAsync() => Runs.Summary(
        await CoordinatorProcess.RunAsync(_folder.Folder, "status", "--json", "--run", "run"));
}
