using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Distributed.Framework.Data;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Quarantine and removal are final for one life of an ActorSystem, not for a worker.</summary>
public sealed class QuarantineTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>
    /// Goal: a worker that was quarantined, or downed and removed, takes part again by another ActorSystem, with the
    /// same compute threads and the same data and model. Method: the coordinator's system, in this process, does it to
    /// the worker's, whose tensor channel stands; data are opened once, and none but the threads of before read them.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OutcastWorker_ComesBack_WithItsThreadsAndData(bool isQuarantined)
    {
        await using ServedRun run = await ServedRun.StartAsync(new DataOptions { Limit = 320 }, workersMin: 1);
        WatchedJobs jobs = new(isSick: false);
        await using RemoteWorker worker = run.Worker(jobs, threads: 2);
        await Until(() => jobs.Threads.Count == 2, "both threads compute");
        int[] before = [.. jobs.Threads.Keys];

        UniqueAddress first = await MemberAsync(run, worker, _ => true);
        if (isQuarantined)
        {
            ((IRemoteActorRefProvider)((ExtendedActorSystem)run.System).Provider).Quarantine(first.Address, first.Uid);
        }
        else
        {
            Akka.Cluster.Cluster.Get(run.System).Down(first.Address);
        }

        UniqueAddress second = await MemberAsync(run, worker, member => member.Uid != first.Uid);
        await Until(() => Count(worker, "Joined as") == 2, "a second joining");
        jobs.Threads.Clear();
        await Until(() => jobs.Threads.Count == 2, "both threads compute again");

        Assert.Equal(first.Address, second.Address);
        Assert.Equal(2, Count(worker, "Takes part as a member"));
        Assert.Equal(before.Order(), jobs.Threads.Keys.Order());
        Assert.Equal(1, jobs.Opened);
        Assert.False(worker.Ended.IsCompleted);

        Task Until(Func<bool> holds, string what) => RunningProgram.Until(
            () => Task.FromResult(holds() || worker.Ended.IsCompleted),
            $"{what}, but: {string.Join(" | ", worker.Lines)}");
    }

    private static int Count(RemoteWorker worker, string part) =>
        worker.Lines.Count(line => line.StartsWith(part, StringComparison.Ordinal));

    private static async Task<UniqueAddress> MemberAsync(
        ServedRun run, RemoteWorker worker, Func<UniqueAddress, bool> isRight)
    {
        UniqueAddress? found = null;
        long start = Stopwatch.GetTimestamp();
        while (found is null)
        {
            ClusterEvent.CurrentClusterState state = Akka.Cluster.Cluster.Get(run.System).State;
            Assert.True(
                Stopwatch.GetElapsedTime(start) < s_patience,
                $"No member, but: {string.Join(" | ", worker.Lines)}; {string.Join(" | ", state.Members)}");
            found = state.Members
                .Where(member => member.HasRole("worker") && member.Status == MemberStatus.Up)
                .Select(member => member.UniqueAddress)
                .FirstOrDefault(isRight);
            await Task.Delay(20);
        }

        return found;
    }
}
