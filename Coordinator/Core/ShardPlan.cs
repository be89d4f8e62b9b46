using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>How many shards a worker computes at once.</summary>
public readonly record struct Capacity(SessionId Worker, int Threads);

/// <summary>Shards that a worker is to compute.</summary>
public readonly record struct ShardAssignment(SessionId Worker, ShardRange Shards);

/// <summary>Who computes which shards. Changes how long a step takes, never its result.</summary>
/// <remarks>
/// Members get consecutive shards, in the order given. First the step is made as short as can be: shards are equally
/// long and a thread takes one at a time, so T = ceil(shards / threads) shard times, and nobody gets more than T a
/// thread. Among such divisions it takes one with the fewest sums, since each sum is as long as a gradient and
/// travels: over 32 shards, a cut at 16 costs 2 sums, one at 17 costs 6. Among those, the most even one.
/// Cost: dynamic programming over the places of each cut, O(members x threads^2) at worst; the caller keeps plans.
/// </remarks>
public static class ShardPlan
{
    /// <summary>Divides shards over members; a member may get none, one or several ranges.</summary>
    /// <param name="tree">The step's tree.</param>
    /// <param name="shards">What is to be computed: disjoint non-empty ranges, ascending.</param>
    /// <param name="members">At least one, each with at least one thread.</param>
    public static IReadOnlyList<ShardAssignment> Divide(
        ReductionTree tree, IReadOnlyList<ShardRange> shards, IReadOnlyList<Capacity> members)
    {
        ArgumentOutOfRangeException.ThrowIfZero(members.Count);
        int count = shards.Sum(range => range.Count);
        int[] cuts = FindCuts(tree, shards, count, members);
        List<ShardAssignment> assignments = [];
        for (int i = 0; i < members.Count; i++)
        {
            foreach (ShardRange range in Slice(shards, cuts[i], cuts[i + 1]))
            {
                assignments.Add(new ShardAssignment(members[i].Worker, range));
            }
        }

        return assignments;
    }

    /// <summary>
    /// Places of the cuts, counted in shards to compute: member i gets those from cuts[i] to cuts[i+1].
    /// </summary>
    private static int[] FindCuts(
        ReductionTree tree, IReadOnlyList<ShardRange> shards, int count, IReadOnlyList<Capacity> members)
    {
        int threads = members.Sum(member => member.Threads);
        int shardTimes = ((count - 1) / threads) + 1;

        // Members before a cut can take at most T a thread, and so can those behind it: few places are left.
        (int Low, int High)[] window = new (int, int)[members.Count + 1];
        int threadsSoFar = 0;
        for (int i = 0; i <= members.Count; i++)
        {
            long most = (long)shardTimes * threadsSoFar;
            long mostAfter = (long)shardTimes * (threads - threadsSoFar);
            window[i] = ((int)Math.Max(0, count - mostAfter), (int)Math.Min(count, most));
            threadsSoFar += i < members.Count ? members[i].Threads : 0;
        }

        // best[i][a - low]: least cost if the first i members take the first a shards; and where the cut before was.
        Cost[][] best = new Cost[members.Count + 1][];
        int[][] from = new int[members.Count + 1][];
        best[0] = [default];
        for (int i = 0; i < members.Count; i++)
        {
            (int low, int high) = window[i + 1];
            best[i + 1] = new Cost[high - low + 1];
            from[i + 1] = new int[high - low + 1];
            Array.Fill(best[i + 1], Cost.Unreachable);
            for (int a = window[i].Low; a <= window[i].High; a++)
            {
                Cost before = best[i][a - window[i].Low];
                int most = (int)Math.Min(high, a + ((long)shardTimes * members[i].Threads));
                for (int b = Math.Max(a, low); before != Cost.Unreachable && b <= most; b++)
                {
                    double unevenness = (double)(b - a) * (b - a) / members[i].Threads;
                    Cost cost = new(before.Sums + CountSums(tree, shards, a, b), before.Unevenness + unevenness);
                    if (cost.IsLessThan(best[i + 1][b - low]))
                    {
                        best[i + 1][b - low] = cost;
                        from[i + 1][b - low] = a;
                    }
                }
            }
        }

        int[] cuts = new int[members.Count + 1];
        cuts[^1] = count;
        for (int i = members.Count; i > 0; i--)
        {
            cuts[i - 1] = from[i][cuts[i] - window[i].Low];
        }

        return cuts;
    }

    private static int CountSums(ReductionTree tree, IReadOnlyList<ShardRange> shards, int from, int to)
    {
        int sums = 0;
        foreach (ShardRange range in Slice(shards, from, to))
        {
            sums += tree.CountMaximal(range);
        }

        return sums;
    }

    /// <summary>The ranges of the shards numbered from to to - 1 among those to compute.</summary>
    private static IEnumerable<ShardRange> Slice(IReadOnlyList<ShardRange> shards, int from, int to)
    {
        int before = 0;
        foreach (ShardRange range in shards)
        {
            int first = range.First + Math.Max(0, from - before);
            int end = Math.Min(range.End, range.First + to - before);
            if (first < end)
            {
                yield return new ShardRange(first, end);
            }

            before += range.Count;
        }
    }

    private readonly record struct Cost(int Sums, double Unevenness)
    {
        public static Cost Unreachable => new(int.MaxValue, 0);

        public bool IsLessThan(Cost other) =>
            Sums < other.Sums || (Sums == other.Sums && Unevenness < other.Unevenness);
    }
}
