using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A coordinator, a standby at an address of its own, and workers, all processes of their own.</summary>
public sealed class TakeoverTests : IDisposable
{
    private static readonly string[] s_steps = ["--steps", "300", "--checkpoint-every", "15"];
    private readonly SmallRun _run = new();
    private readonly List<RunningProgram> _standbys = [];

    public void Dispose()
    {
        _standbys.ForEach(standby => standby.Dispose());
        _run.Dispose();
    }

    /// <summary>One worker knows both addresses, the other hears of the standby from the coordinator.</summary>
    [Fact]
    public async Task CoordinatorKilled_StandbyTrainsOnWithTheSameWorkers_ToTheLocalRunsBits()
    {
        string expected = await _run.LocalHashAsync(s_steps);
        (RunningProgram holder, RunningProgram standby, int port) = await StartAsync();
        RunningProgram told = _run.Worker("told");
        RunningProgram knows = _run.Worker("knows", join: $"localhost:{port},localhost:{_run.Port}");
        await _run.UntilSteps(20);
        holder.KillHard();

        Assert.True(await standby.ExitCodeAsync() == 0, standby.Error);
        Assert.Equal(expected, SmallRun.Hash(standby));
        Assert.Contains("told joined", standby.Error, StringComparison.Ordinal);
        Assert.Contains("knows joined", standby.Error, StringComparison.Ordinal);
        foreach (RunningProgram worker in new[] { told, knows })
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
            Assert.Equal(3, worker.Error.Split("Joined as").Length);
        }
    }

    /// <summary>Not a step is done twice.</summary>
    [Fact]
    public async Task CoordinatorTerminated_HandsOver_AndTheWorkersGoOn()
    {
        string expected = await _run.LocalHashAsync(s_steps);
        (RunningProgram holder, RunningProgram standby, _) = await StartAsync();
        RunningProgram[] workers = [_run.Worker("a"), _run.Worker("b")];
        await _run.UntilSteps(20);
        RunningProgram.Signal(holder.Id, "-TERM");
        Assert.Equal(143, await holder.ExitCodeAsync());

        Assert.True(await standby.ExitCodeAsync() == 0, standby.Error);
        Assert.Equal(expected, SmallRun.Hash(standby));
        Assert.Contains($"Resuming after step {holder.Result["steps"]}\n", standby.Error, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, 300), Runs.MetricSteps(_run.Run));
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }
    }

    [Fact]
    public async Task Stop_EndsTheRunForStandbyAndWorkers()
    {
        (RunningProgram holder, RunningProgram standby, _) = await StartAsync();
        RunningProgram[] workers = [_run.Worker("a"), _run.Worker("b")];
        await _run.UntilSteps(10);
        using RunningProgram stop = new("coordinator", ["stop", "--run", _run.Run, "--json"], environment: null);
        Assert.True(await stop.ExitCodeAsync() == 0, stop.Error);
        Assert.Equal(130, await holder.ExitCodeAsync());
        Assert.True(await standby.ExitCodeAsync() == 0, standby.Error);
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
            Assert.Contains("Done: ", worker.Error, StringComparison.Ordinal);
        }
    }

    private async Task<(RunningProgram Holder, RunningProgram Standby, int Port)> StartAsync()
    {
        string[] arguments = [.. s_steps, "--workers", "0", "--min-workers", "2", "--resume=auto", "--or-standby"];
        RunningProgram holder = _run.Coordinator(arguments);
        await _run.UntilListens();
        int port = SmallRun.FreePort();
        RunningProgram standby = new(
            "coordinator",
            ["train", "--run", _run.Run, "--listen", $"127.0.0.1:{port}", .. SmallRun.Configuration, .. arguments],
            environment: null);
        _standbys.Add(standby);
        await standby.UntilSaid($"standby: waits for process {holder.Id}");
        await holder.UntilSaid("Standby at ");
        return (holder, standby, port);
    }
}
