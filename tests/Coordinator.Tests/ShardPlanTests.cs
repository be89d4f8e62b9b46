using Distributed.Coordinator.Core;
using Distributed.Framework.Randomness;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests;

public sealed class ShardPlanTests
{
    private static readonly double[] s_shardTimes = [1, 1, 0.73, 1.37, 2.11];

    /// <summary>
    /// Goal: the plan is as good as any, and of those no other has fewer sums. Method: small random cases, every other
    /// one with workers of different speed, against trying every division; 5 % of time make no difference.
    /// </summary>
    [Fact]
    public void Divide_SmallCases_IsAsGoodAsTheBestOfAllDivisions()
    {
        for (uint seed = 1; seed <= 800; seed++)
        {
            ReductionTree tree = new(1 + Draw(seed, 0, 14));
            List<ShardRange> missing = DrawRanges(seed, tree.ShardCount);
            Capacity[] members = [.. Enumerable.Range(1, 1 + Draw(seed, 1, 4))
                .Select(i => new Capacity(
                    new SessionId(i),
                    1 + Draw(seed, (uint)(i + 1), 3),
                    s_shardTimes[seed % 2 == 0 ? 0 : Draw(seed, (uint)(i + 50), s_shardTimes.Length)]))];
            IReadOnlyList<ShardAssignment> plan = ShardPlan.Divide(tree, missing, members);

            int[] shards = [.. missing.SelectMany(Shards)];
            Assert.Equal(shards, plan.SelectMany(part => Shards(part.Shards)));
            int[] counts = [.. members.Select(member => plan.Where(part => part.Worker == member.Worker)
                .Sum(part => part.Shards.Count))];
            int sums = plan.Sum(part => tree.CountMaximal(part.Shards));
            double limit = Best(shards.Length, members, 0) * 1.05;
            Assert.True(
                Time(counts, members) <= limit && sums == Fewest(tree, shards, members, 0, 0, limit),
                $"seed {seed}: {string.Join(' ', plan)}");
        }
    }

    [Theory]
    [InlineData(32, 2, "0..16 16..32")]
    [InlineData(32, 4, "0..8 8..16 16..24 24..32")]
    [InlineData(8, 3, "0..2 2..5 5..8")]
    [InlineData(2, 3, "0..1 1..2")]
    [InlineData(5, 1, "0..5")]
    public void Divide_WholeStep_EqualWorkers(int shardCount, int workers, string expected)
    {
        Capacity[] members = [.. Enumerable.Range(1, workers).Select(i => new Capacity(new SessionId(i), 1))];
        IReadOnlyList<ShardAssignment> plan =
            ShardPlan.Divide(new ReductionTree(shardCount), [new ShardRange(0, shardCount)], members);
        Assert.Equal(expected, string.Join(' ', plan.Select(part => part.Shards)));
    }

    [Theory]
    [InlineData(32, "1 1 1 2", "0..8 8..18 18..28 28..32")]
    [InlineData(32, "1 1 1 1.04", "0..8 8..16 16..24 24..32")] // As good, with fewer sums.
    [InlineData(12, "1 2", "0..8 8..12")]
    [InlineData(4, "1 1 5", "0..2 2..4")] // The third would only hold up the others.
    [InlineData(1000, "1 1", "0..512 512..1000")]
    public void Divide_WholeStep_WorkersOfDifferentSpeed(int shardCount, string shardTimes, string expected)
    {
        Capacity[] members = [.. shardTimes.Split(' ')
            .Select((time, i) => new Capacity(new SessionId(i + 1), 1, double.Parse(time, null)))];
        IReadOnlyList<ShardAssignment> plan =
            ShardPlan.Divide(new ReductionTree(shardCount), [new ShardRange(0, shardCount)], members);
        Assert.Equal(expected, string.Join(' ', plan.Select(part => part.Shards)));
    }

    /// <summary>
    /// Goal: with any mix of speeds and threads a step takes at most 10 % more than the best split into whole shards.
    /// Method: 64 workers; the best time is found by trying each that a worker can end at.
    /// </summary>
    [Fact]
    public void Divide_ManyWorkersOfDifferentSpeed_IsNearlyAsFastAsTheBestSplit()
    {
        ReductionTree tree = new(256);
        for (uint seed = 1; seed <= 20; seed++)
        {
            Capacity[] members = [.. Enumerable.Range(1, 64).Select(i => new Capacity(
                new SessionId(i), 1 + Draw(seed, (uint)i, 2), 0.5 + (Draw(seed, (uint)(i + 100), 1500) / 1000.0)))];
            IReadOnlyList<ShardAssignment> plan = ShardPlan.Divide(tree, [new ShardRange(0, 256)], members);
            Assert.Equal(256, plan.Sum(part => part.Shards.Count));
            int[] counts = [.. members.Select(member => plan.Where(part => part.Worker == member.Worker)
                .Sum(part => part.Shards.Count))];
            double best = members.SelectMany(member => Enumerable.Range(1, 10).Select(i => i * member.ShardTime))
                .Where(time => members.Sum(m => m.Threads * (int)((time / m.ShardTime) + 1e-9)) >= 256).Min();
            Assert.InRange(Time(counts, members), best * 0.999, best * 1.1);
        }
    }

    [Fact]
    public void Divide_ManyShardsAndWorkers_IsBalanced()
    {
        Capacity[] members = [.. Enumerable.Range(1, 100).Select(i => new Capacity(new SessionId(i), 1 + (i % 4)))];
        ReductionTree tree = new(1000);
        IReadOnlyList<ShardAssignment> plan = ShardPlan.Divide(tree, [new ShardRange(0, 1000)], members);
        Assert.Equal(1000, plan.Sum(part => part.Shards.Count));
        Assert.All(plan, part => Assert.True(part.Shards.Count <= 4 * members[part.Worker.Value - 1].Threads));
    }

    /// <summary>Least time of all divisions of so many shards over the members from one on.</summary>
    private static double Best(int count, Capacity[] members, int member) => member + 1 == members.Length
        ? Time(count, members[member])
        : Enumerable.Range(0, count + 1)
            .Min(own => Math.Max(Time(own, members[member]), Best(count - own, members, member + 1)));

    /// <summary>Fewest sums of all divisions that take no longer than the time; null if there is none.</summary>
    private static int? Fewest(ReductionTree tree, int[] shards, Capacity[] members, int from, int member, double time)
    {
        if (member == members.Length)
        {
            return from == shards.Length ? 0 : null;
        }

        int? best = null;
        for (int to = from; to <= shards.Length && Time(to - from, members[member]) <= time; to++)
        {
            int? sums = Fewest(tree, shards, members, to, member + 1, time) + Sums(tree, shards[from..to]);
            best = best is null || sums < best ? sums ?? best : best;
        }

        return best;
    }

    private static int Sums(ReductionTree tree, int[] shards)
    {
        int sums = 0;
        for (int i = 0, start = 0; i < shards.Length; i++)
        {
            if (i + 1 == shards.Length || shards[i + 1] != shards[i] + 1)
            {
                sums += tree.CountMaximal(new ShardRange(shards[start], shards[i] + 1));
                start = i + 1;
            }
        }

        return sums;
    }

    private static double Time(int[] counts, Capacity[] members) => counts.Zip(members, Time).Max();

    private static double Time(int count, Capacity member) =>
        (count + member.Threads - 1) / member.Threads * member.ShardTime;

    private static IEnumerable<int> Shards(ShardRange range) => Enumerable.Range(range.First, range.Count);

    private static List<ShardRange> DrawRanges(uint seed, int shardCount)
    {
        List<ShardRange> ranges = [];
        for (int shard = 0; shard < shardCount; shard++)
        {
            bool isLeftOut = Draw(seed, (uint)(100 + shard), 4) == 0;
            if (isLeftOut && shardCount > 1 && (ranges.Count > 0 || shard + 1 < shardCount))
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].End == shard)
            {
                ranges[^1] = ranges[^1] with { End = shard + 1 };
            }
            else
            {
                ranges.Add(new ShardRange(shard, shard + 1));
            }
        }

        return ranges;
    }

    private static int Draw(uint seed, uint index, int below) =>
        (int)(new Philox(seed, RandomPurpose.SampleOrder).Block(index).Word0 % (uint)below);
}
