using Distributed.Framework.Training;
using Distributed.Protocol.Machines;

namespace Distributed.Simulation;

/// <summary>
/// Whole runs in virtual time: one coordinator, some workers, and everything that can go wrong between them.
/// </summary>
public sealed class SimulationTests
{
    private const int Seeds = 1000;

    /// <summary>
    /// Goal: whatever happens, a run ends with the bits of an undisturbed one. Method: faults for a minute, checkers
    /// after every step, save and payload; then everything heals, and the run must finish. To replay one failing seed,
    /// set SIMULATION_SEED.
    /// </summary>
    [Fact]
    public void AnyFaults_RunEndsWithTheBitsOfARunAlone()
    {
        string? only = Environment.GetEnvironmentVariable("SIMULATION_SEED");
        uint first = only is null ? 1 : uint.Parse(only, null);
        long recomputed = 0;
        int restarts = 0;
        int keptOut = 0;
        for (uint seed = first; seed < (only is null ? Seeds + 1 : first + 1); seed++)
        {
            SimRun run = new(seed, hasFaults: true);
            Assert.True(run.Problem.Length == 0, $"seed {seed}: {run.Problem}");
            recomputed += run.Coordinator.Recomputed;
            restarts += run.Coordinator.Terms - 1;
            keptOut += run.Coordinator.Lines.Count(line => line.Contains("not finite", StringComparison.Ordinal));
        }

        // The faults do reach the machines.
        Assert.True(only is not null || recomputed > Seeds, $"{recomputed} shards recomputed");
        Assert.True(only is not null || restarts > Seeds / 10, $"{restarts} restarts of a coordinator");
        Assert.True(only is not null || keptOut > Seeds / 10, $"{keptOut} bad workers found");
    }

    [Fact]
    public void NoFaults_NothingIsComputedTwice()
    {
        for (uint seed = 1; seed <= 50; seed++)
        {
            SimRun run = new(seed, hasFaults: false);
            Assert.True(run.Problem.Length == 0, $"seed {seed}: {run.Problem}");
            long recomputed = run.Coordinator.Recomputed;
            Assert.True(recomputed == 0, $"seed {seed}: {recomputed} shards recomputed");
        }
    }

    /// <summary>
    /// Goal: a step that has diverged fails the run, whoever computes it, and no worker is blamed. Method: one shard of
    /// one step is not finite; in every other run everything else goes wrong as well.
    /// </summary>
    [Fact]
    public void StepDiverges_RunFailsAndNamesTheStep()
    {
        for (uint seed = 1; seed <= 100; seed++)
        {
            SimRun run = new(seed, hasFaults: seed % 2 == 0, diverges: true);
            Assert.True(run.Problem.Length == 0, $"seed {seed}: {run.Problem}");
        }
    }

    /// <summary>Goal: a seed can be replayed. Method: runs with faults say the same at the same times, twice.</summary>
    [Fact]
    public void SameSeed_SaysTheSame()
    {
        for (uint seed = 1; seed <= 20; seed++)
        {
            SimRun run = new(seed, hasFaults: true);
            Assert.Equal(run.Coordinator.Lines, new SimRun(seed, hasFaults: true).Coordinator.Lines);
        }
    }

    /// <summary>
    /// Goal: shards follow speed. Method: workers of one and two threads, one of which then takes twice as long; soon
    /// a step takes at most 10 % longer than the best split into whole shards. Travel and update take time as well.
    /// </summary>
    [Theory]
    [InlineData(16, 1, 4, 5)] // First 4 + 8 + 4 shards, then 5 + 9 + 2.
    [InlineData(40, 0.1, 1, 1.2)] // First 10 + 20 + 10 shards, then 11 + 23 + 6.
    [InlineData(7, 1, 2, 2)] // 2 + 4 + 1 shards.
    public void SlowedWorker_GetsFewerShards(int shardCount, double shardSeconds, double first, double then)
    {
        const double Overhead = 0.15;
        World world = new(seed: 1);
        Faults faults = new(world);
        faults.Heal();
        BatchSchedule schedule = BatchSchedule.ForSteps(samples: shardCount * 100, shardCount, shard: 1, steps: 40);
        SimCoordinator coordinator = new(world, faults, schedule, every: 0);
        coordinator.Start();
        List<SimWorker> workers = [];
        for (int i = 0; i < 3; i++)
        {
            workers.Add(new SimWorker(world, faults, coordinator, number: i, threads: 1 + (i % 2))
            {
                ShardSeconds = shardSeconds,
            });
            workers[i].Start();
        }

        void RunTo(int steps, double best)
        {
            world.Run(() => coordinator.StepEnds.Count == steps, TimeSpan.FromHours(1));
            Timestamp[] ends = [.. coordinator.StepEnds[^6..]];
            Assert.InRange((ends[5] - ends[0]).TotalSeconds / 5, best, (best * 1.1) + Overhead);
        }

        RunTo(15, first);
        workers[2].ShardSeconds *= 2;
        RunTo(30, then);
    }
}
