using Distributed.Coordinator.Core;
using Distributed.Framework.Randomness;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests;

public sealed class LeafPlanTests
{
    /// <summary>Goal: the plan is as good as any. Method: small random cases against trying every division.</summary>
    [Fact]
    public void Divide_SmallCases_IsAsGoodAsTheBestOfAllDivisions()
    {
        for (uint seed = 1; seed <= 400; seed++)
        {
            LeafTree tree = new(1 + Draw(seed, 0, 14));
            List<LeafRange> missing = DrawRanges(seed, tree.LeafCount);
            Capacity[] members = [.. Enumerable.Range(1, 1 + Draw(seed, 1, 4))
                .Select(i => new Capacity(new WorkerId(i), 1 + Draw(seed, (uint)(i + 1), 3)))];
            IReadOnlyList<LeafAssignment> plan = LeafPlan.Divide(tree, missing, members);

            int[] leaves = [.. missing.SelectMany(Leaves)];
            Assert.Equal(leaves, plan.SelectMany(part => Leaves(part.Leaves)));
            int[] counts = [.. members.Select(member => plan.Where(part => part.Worker == member.Worker)
                .Sum(part => part.Leaves.Count))];
            int sums = plan.Sum(part => tree.CountMaximal(new LeafSpan(part.Leaves.First, part.Leaves.End)));
            int time = Time(counts, members);
            Assert.True(
                sums == Fewest(tree, leaves, members, 0, 0, time)
                    && Fewest(tree, leaves, members, 0, 0, time - 1) is null,
                $"seed {seed}: {string.Join(' ', plan)}");
        }
    }

    [Theory]
    [InlineData(32, 2, "0..16 16..32")]
    [InlineData(32, 4, "0..8 8..16 16..24 24..32")]
    [InlineData(8, 3, "0..2 2..5 5..8")]
    [InlineData(2, 3, "0..1 1..2")]
    [InlineData(5, 1, "0..5")]
    public void Divide_WholeStep_EqualWorkers(int leafCount, int workers, string expected)
    {
        Capacity[] members = [.. Enumerable.Range(1, workers).Select(i => new Capacity(new WorkerId(i), 1))];
        IReadOnlyList<LeafAssignment> plan =
            LeafPlan.Divide(new LeafTree(leafCount), [new LeafRange(0, leafCount)], members);
        Assert.Equal(expected, string.Join(' ', plan.Select(part => part.Leaves)));
    }

    [Fact]
    public void Divide_ManyLeavesAndWorkers_IsBalanced()
    {
        Capacity[] members = [.. Enumerable.Range(1, 100).Select(i => new Capacity(new WorkerId(i), 1 + (i % 4)))];
        IReadOnlyList<LeafAssignment> plan = LeafPlan.Divide(new LeafTree(1000), [new LeafRange(0, 1000)], members);
        Assert.Equal(1000, plan.Sum(part => part.Leaves.Count));
        Assert.All(plan, part => Assert.True(part.Leaves.Count <= 4 * members[part.Worker.Value - 1].Threads));
    }

    /// <summary>Fewest sums of all divisions that take no longer than the time; null if there is none.</summary>
    private static int? Fewest(LeafTree tree, int[] leaves, Capacity[] members, int from, int member, int time)
    {
        if (member == members.Length)
        {
            return from == leaves.Length ? 0 : null;
        }

        int? best = null;
        for (int to = from; to <= leaves.Length && to - from <= time * members[member].Threads; to++)
        {
            int? sums = Fewest(tree, leaves, members, to, member + 1, time) + Sums(tree, leaves[from..to]);
            best = best is null || sums < best ? sums ?? best : best;
        }

        return best;
    }

    private static int Sums(LeafTree tree, int[] leaves)
    {
        int sums = 0;
        for (int i = 0, start = 0; i < leaves.Length; i++)
        {
            if (i + 1 == leaves.Length || leaves[i + 1] != leaves[i] + 1)
            {
                sums += tree.CountMaximal(new LeafSpan(leaves[start], leaves[i] + 1));
                start = i + 1;
            }
        }

        return sums;
    }

    private static int Time(int[] counts, Capacity[] members) =>
        counts.Zip(members, (count, member) => (count + member.Threads - 1) / member.Threads).Max();

    private static IEnumerable<int> Leaves(LeafRange range) => Enumerable.Range(range.First, range.Count);

    private static List<LeafRange> DrawRanges(uint seed, int leafCount)
    {
        List<LeafRange> ranges = [];
        for (int leaf = 0; leaf < leafCount; leaf++)
        {
            if (Draw(seed, (uint)(100 + leaf), 4) == 0 && leafCount > 1 && (ranges.Count > 0 || leaf + 1 < leafCount))
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].End == leaf)
            {
                ranges[^1] = ranges[^1] with { End = leaf + 1 };
            }
            else
            {
                ranges.Add(new LeafRange(leaf, leaf + 1));
            }
        }

        return ranges;
    }

    private static int Draw(uint seed, uint index, int below) =>
        (int)(new Philox(seed, RandomPurpose.SampleOrder).Block(index).Word0 % (uint)below);
}
