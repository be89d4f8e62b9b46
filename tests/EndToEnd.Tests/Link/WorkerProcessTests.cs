namespace Distributed.EndToEnd.Tests.Link;

/// <summary>A coordinator and its workers as processes of their own, over the link.</summary>
public sealed class WorkerProcessTests : IDisposable
{
    private const string Canary = "canary-0123456789abcdef-canary";
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task ThreeWorkers_OneLate_OneKilledInMidStep_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "120", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        RunningProgram coordinator = _run.Coordinator([.. steps, "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram first = _run.Worker("first");
        RunningProgram second = _run.Worker("second");
        await _run.UntilSteps(5);

        // Everybody waits for the share of one that stands still: the run cannot end before the third is there.
        RunningProgram.Signal(first.Id, "-STOP");
        RunningProgram late = _run.Worker("late");
        await late.UntilSaid("Joined");
        first.KillHard();

        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.Equal(0, await second.ExitCodeAsync());
        Assert.Equal(0, await late.ExitCodeAsync());
        Assert.True((double)coordinator.Result["loss"]! > 0);
    }

    [Fact]
    public async Task CoordinatorKilledTwice_WorkersWait_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "120", "--checkpoint-every", "10"];
        string expected = await _run.LocalHashAsync(steps);

        // Both have to be back before it goes on: one that is still waiting at the end would not hear of it.
        string[] arguments = [.. steps, "--workers", "0", "--min-workers", "2"];
        RunningProgram coordinator = _run.Coordinator(arguments);
        await _run.UntilListens();
        RunningProgram[] workers = [_run.Worker("a"), _run.Worker("b")];
        foreach (int target in new[] { 14, 8 })
        {
            await _run.UntilSteps(target);
            coordinator.KillHard();
            coordinator = _run.Coordinator([.. arguments, "--resume"]);
        }

        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }
    }

    /// <summary>TLS, a token from the environment on both sides, and its secret nowhere to be seen.</summary>
    [Fact]
    public async Task Tls_AndATokenThatNobodySees_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "30", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        Dictionary<string, string> secret = new() { ["DISTRIBUTED_TOKEN"] = Canary };
        RunningProgram coordinator = _run.Coordinator(
            [.. steps, "--workers", "1", "--min-workers", "2"], "0.0.0.0", secret);
        await _run.UntilListens("https");
        string pinned = (await File.ReadAllTextAsync(_run.TokenFile)).Trim();
        RunningProgram worker = _run.Worker("a", scheme: "https");
        RunningProgram unpinned = _run.Worker("b", scheme: "https", environment: secret);
        await worker.UntilSaid("Joined");
        foreach (RunningProgram program in new[] { coordinator, worker })
        {
            Assert.DoesNotContain("canary", await File.ReadAllTextAsync($"/proc/{program.Id}/cmdline"));
        }

        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.Equal(0, await worker.ExitCodeAsync());
        Assert.Equal(4, await unpinned.ExitCodeAsync()); // Its certificate is nobody's here.
        Assert.Contains("not trusted", unpinned.Error, StringComparison.Ordinal);
        Assert.EndsWith("::" + Canary, pinned, StringComparison.Ordinal);
        string said = string.Join('\n', new[] { coordinator, worker, unpinned }.Select(one => one.Output + one.Error));
        Assert.DoesNotContain("canary", said, StringComparison.Ordinal);
        foreach (string file in Directory.EnumerateFiles(_run.Run, "*", SearchOption.AllDirectories))
        {
            bool isSecret = Path.GetFileName(Path.GetDirectoryName(file)) == "secrets";
            Assert.Equal(isSecret && Path.GetFileName(file) == "join.token", (await File.ReadAllBytesAsync(file))
                .AsSpan().IndexOf("canary"u8) >= 0);
            if (isSecret && !OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public async Task WrongTokens_AndForeignKeys_AreRefusedAtOnce_AndCostNobodyElse()
    {
        RunningProgram coordinator = _run.Coordinator(["--steps", "40", "--workers", "0"], "0.0.0.0");
        await _run.UntilListens("https");
        string right = (await File.ReadAllTextAsync(_run.TokenFile)).Trim();
        string wrongSecret = Write("secret", right[..^8] + "00000000");
        string wrongKey = Write("key", new string('0', 64) + right[64..]);
        RunningProgram stranger = _run.Worker("stranger", wrongSecret, "https");
        RunningProgram deceived = _run.Worker("deceived", wrongKey, "https");
        RunningProgram none = _run.Worker("none", Path.Combine(_run.Folder, "no-such-file"), "https");
        Assert.Equal(4, await stranger.ExitCodeAsync());
        Assert.Contains("does not accept this token", stranger.Error, StringComparison.Ordinal);
        Assert.Equal(4, await deceived.ExitCodeAsync());
        Assert.Contains("another key", deceived.Error, StringComparison.Ordinal);
        Assert.Equal(4, await none.ExitCodeAsync());
        RunningProgram good = _run.Worker("good", scheme: "https");
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(0, await good.ExitCodeAsync());
    }

    [Fact]
    public async Task Terminated_Drains_AndOthersFinish()
    {
        RunningProgram coordinator = _run.Coordinator(["--steps", "120", "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram stays = _run.Worker("stays");
        RunningProgram goes = _run.Worker("goes");
        await _run.UntilSteps(5);
        RunningProgram.Signal(goes.Id, "-TERM");
        Assert.Equal(0, await goes.ExitCodeAsync());
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(0, await stays.ExitCodeAsync());
    }

    [Fact]
    public async Task Stopped_IsDroppedWithin10Seconds_AndComesBack()
    {
        string[] steps = ["--steps", "400", "--checkpoint-every", "0"];
        RunningProgram coordinator = _run.Coordinator([.. steps, "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram stays = _run.Worker("stays");
        RunningProgram stalls = _run.Worker("stalls");
        await _run.UntilSteps(5);
        RunningProgram.Signal(stalls.Id, "-STOP");
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        await RunningProgram.Until(async () => await _run.MetricAsync("distributed_workers") == 1, "dropped");
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 10);
        RunningProgram.Signal(stalls.Id, "-CONT");
        await RunningProgram.Until(
            async () => coordinator.HasExited || await _run.MetricAsync("distributed_workers") == 2, "back again");
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(0, await stalls.ExitCodeAsync());
        Assert.Equal(0, await stays.ExitCodeAsync());
    }

    [Fact]
    public async Task NoCoordinator_GivesUpAfterTheTimeGiven()
    {
        string token = Write("token", "0123456789abcdef0123456789abcdef");
        RunningProgram worker = _run.Worker("alone", token, arguments: ["--give-up-after", "1s"]);
        Assert.Equal(4, await worker.ExitCodeAsync());
        Assert.Contains("no coordinator for 1 s", worker.Error, StringComparison.Ordinal);
        RunningProgram plain = new(
            "worker", ["--join", "http://192.0.2.1:5500", "--token-file", token], environment: null);
        Assert.Equal(4, await plain.ExitCodeAsync());
        Assert.Contains("https", plain.Error, StringComparison.Ordinal);
    }

    private string Write(string name, string token)
    {
        string path = Path.Combine(_run.Folder, name);
        File.WriteAllText(path, token);
        return path;
    }
}
