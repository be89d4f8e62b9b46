using System.Diagnostics;
using System.Text;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A coordinator and its workers as processes of their own, as a cluster.</summary>
public sealed class WorkerProcessTests : IDisposable
{
    private const string Canary = "cafe0123456789abcdefcafe0123456789abcdefcafe0123456789abcdefcafe";
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task ThreeWorkers_OneLate_OneKilledInMidStep_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "300", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        RunningProgram coordinator = _run.Coordinator(
            [.. steps, "--workers", "0", "--min-workers", "2", "--linger", "3s"]);
        await _run.UntilListens();
        RunningProgram first = _run.Worker("first");
        RunningProgram second = _run.Worker("second");
        await _run.UntilSteps(5);

        // Both stand still: the run cannot end before the third is there.
        RunningProgram.Signal(first.Id, "-STOP");
        RunningProgram.Signal(second.Id, "-STOP");
        RunningProgram late = _run.Worker("late");
        await late.UntilSaid("Joined");
        first.KillHard();
        RunningProgram.Signal(second.Id, "-CONT");

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

    /// <summary>TLS, secrets made before the run, a token from the environment, and nobody sees it.</summary>
    [Fact]
    public async Task Tls_AndATokenThatNobodySees_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "30", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        string secrets = Path.Combine(_run.Folder, "secrets");
        using RunningProgram maker = new("coordinator", ["secrets", secrets], environment: null);
        Assert.True(await maker.ExitCodeAsync() == 0, maker.Error);
        string hash = (await File.ReadAllTextAsync(Path.Combine(secrets, "join.token"))).Split("::")[0];
        Dictionary<string, string> secret = new() { ["DISTRIBUTED_TOKEN"] = $"{hash}::{Canary}" };
        RunningProgram coordinator = _run.Coordinator(
            [.. steps, "--workers", "1", "--min-workers", "2", "--secrets", secrets], "0.0.0.0", secret);
        await _run.UntilListens();
        RunningProgram worker = _run.Worker("a", environment: secret);
        await worker.UntilSaid("Joined");
        foreach (RunningProgram program in new[] { coordinator, worker })
        {
            Assert.DoesNotContain(Canary, await File.ReadAllTextAsync($"/proc/{program.Id}/cmdline"));
        }

        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.Equal(0, await worker.ExitCodeAsync());
        string token = (await File.ReadAllTextAsync(Path.Combine(secrets, "join.token"))).Trim();
        Assert.Equal($"{hash}::{Canary}", token);
        string said = string.Join('\n', new[] { maker, coordinator, worker }.Select(one => one.Output + one.Error));
        Assert.DoesNotContain(Canary, said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_run.Run, "secrets")));
        foreach (string file in Directory.EnumerateFiles(_run.Run, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain(Canary, Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)));
        }
    }

    /// <summary>A token for another key, and one for a key that is not there yet.</summary>
    [Fact]
    public async Task TokenOfAnotherKey_IsAUsageError()
    {
        string token = Write("token", $"{new string('0', 64)}::{Canary}");
        using RunningProgram maker = new("coordinator", ["secrets", Path.Combine(_run.Folder, "s")], environment: null);
        Assert.Equal(0, await maker.ExitCodeAsync());
        foreach (string secrets in new[] { "s", "none" })
        {
            string path = Path.Combine(_run.Folder, secrets);
            RunningProgram coordinator = _run.Coordinator(
                ["--resume=auto", "--steps", "1", "--token-file", token, "--secrets", path]);
            Assert.True(await coordinator.ExitCodeAsync() == 2, coordinator.Error);
            Assert.Contains(
                $"is not for the key {Path.Combine(path, "coordinator.key")}",
                coordinator.Error,
                StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Path.Combine(_run.Folder, "none")));
    }

    [Fact]
    public async Task WrongTokens_AndForeignKeys_AreRefusedAtOnce_AndCostNobodyElse()
    {
        RunningProgram coordinator = _run.Coordinator(["--steps", "40", "--workers", "0"], "0.0.0.0");
        await _run.UntilListens();
        string right = (await File.ReadAllTextAsync(_run.TokenFile)).Trim();
        string wrongSecret = Write("secret", right[..^8] + "00000000");
        string wrongKey = Write("key", new string('0', 64) + right[64..]);
        RunningProgram stranger = _run.Worker("stranger", wrongSecret);
        RunningProgram deceived = _run.Worker("deceived", wrongKey);
        RunningProgram none = _run.Worker("none", Path.Combine(_run.Folder, "no-such-file"));
        Assert.Equal(4, await stranger.ExitCodeAsync());
        Assert.Contains("does not accept this token", stranger.Error, StringComparison.Ordinal);
        Assert.Equal(4, await deceived.ExitCodeAsync());
        Assert.Contains("another key", deceived.Error, StringComparison.Ordinal);
        Assert.Equal(4, await none.ExitCodeAsync());
        RunningProgram good = _run.Worker("good");
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

    /// <summary>A worker that stands still for 30 s is missed within 10, and works again within 10 of it.</summary>
    [Fact]
    public async Task StoppedFor30Seconds_IsDroppedWithin10_AndBackAtWorkWithin10()
    {
        RunningProgram coordinator = _run.Coordinator(
            ["--steps", "1000000", "--checkpoint-every", "0", "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram stays = _run.Worker("stays");
        RunningProgram stalls = _run.Worker("stalls");
        await _run.UntilSteps(5);
        RunningProgram.Signal(stalls.Id, "-STOP");
        long start = Stopwatch.GetTimestamp();
        await coordinator.UntilSaid("stalls is gone");
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 10);
        await Task.Delay(TimeSpan.FromSeconds(30) - Stopwatch.GetElapsedTime(start));
        int before = _run.StepsDone();
        Assert.True(before > 5);
        RunningProgram.Signal(stalls.Id, "-CONT");
        start = Stopwatch.GetTimestamp();
        await RunningProgram.Until(
            async () => await _run.MetricAsync("distributed_worker_shards_total{worker=\"stalls\"}") > 0,
            $"work again, but: {coordinator.Error}\n{stalls.Error}");
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 10);
        Assert.Equal(3, coordinator.Error.Split("stalls joined").Length);
        using RunningProgram stop = new("coordinator", ["stop", "--run", _run.Run], environment: null);
        Assert.Equal(130, await coordinator.ExitCodeAsync());
        Assert.Equal(0, await stalls.ExitCodeAsync());
        Assert.Equal(0, await stays.ExitCodeAsync());
    }

    [Fact]
    public async Task NoCoordinator_GivesUpAfterTheTimeGiven()
    {
        string token = Write("token", $"{new string('0', 64)}::{Canary}");
        RunningProgram worker = _run.Worker("alone", token, arguments: ["--give-up-after", "1s"]);
        Assert.Equal(4, await worker.ExitCodeAsync());
        Assert.Contains("no coordinator for 1 s", worker.Error, StringComparison.Ordinal);
        RunningProgram plain = new(
            "worker", ["--join", "http://192.0.2.1:5500", "--token-file", token], environment: null);
        Assert.Equal(2, await plain.ExitCodeAsync());
        Assert.Contains("HOST:PORT", plain.Error, StringComparison.Ordinal);
    }

    private string Write(string name, string token)
    {
        string path = Path.Combine(_run.Folder, name);
        File.WriteAllText(path, token);
        return path;
    }
}
