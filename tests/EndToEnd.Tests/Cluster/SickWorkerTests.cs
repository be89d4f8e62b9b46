using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Worker;
using Distributed.Worker.Core;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A machine that computes wrongly, among others.</summary>
public sealed class SickWorkerTests : IDisposable
{
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    /// <summary>
    /// Goal: a worker whose sums are not finite is named and kept out until it is started anew, and costs the run
    /// nothing, not even a wait for it at the end. Method: a coordinator and a sound worker are processes; the sick one
    /// is this process, whose data have a value that is not finite. It comes again in the same life, and then in
    /// another.
    /// </summary>
    [Fact]
    public async Task WorkerWhoseSumsAreNotFinite_IsKeptOutForItsLife_AndTheBitsAreTheSame()
    {
        string[] steps = ["--steps", "500", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        RunningProgram coordinator = _run.Coordinator([.. steps, "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram sound = _run.Worker("sound");
        await using (RemoteWorker sick = Join(new WatchedJobs(isSick: true), life: 1))
        {
            await IsRefusedAsync(sick, coordinator);
        }

        await coordinator.UntilSaid("sick is kept out until it is started anew");
        await using (RemoteWorker sameLife = Join(new WatchedJobs(isSick: false), life: 1))
        {
            await IsRefusedAsync(sameLife, coordinator);
        }

        WatchedJobs mended = new(isSick: false);
        await using RemoteWorker anew = Join(mended, life: 2);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.DoesNotContain("Waiting up to", coordinator.Error, StringComparison.Ordinal);
        Assert.NotEmpty(mended.Threads);
        Assert.Equal(WorkerOutcome.Done, (await anew.Ended).Outcome);
        Assert.True(await sound.ExitCodeAsync() == 0, sound.Error);
    }

    private static async Task IsRefusedAsync(RemoteWorker worker, RunningProgram coordinator)
    {
        await RunningProgram.Until(
            () => Task.FromResult(worker.Ended.IsCompleted || coordinator.HasExited), "a refusal");
        Assert.True(worker.Ended.IsCompleted, coordinator.Error);
        WorkerOrder.Exit exit = await worker.Ended;
        Assert.Equal(WorkerOutcome.CannotJoin, exit.Outcome);
        Assert.Contains("not finite", exit.Why, StringComparison.Ordinal);
    }

    private RemoteWorker Join(WatchedJobs jobs, long life) => new(
        _run.Port,
        Token.Require(_run.TokenFile),
        jobs,
        new WorkerMessage.Join("sick", WorkerProgram.Version, NumericsFingerprint.Compute(), 1, life));
}
