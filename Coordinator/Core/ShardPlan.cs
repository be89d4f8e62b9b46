using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>How fast a worker is.</summary>
/// <param name="Worker">Its session.</param>
/// <param name="Threads">Shards that it computes at once.</param>
/// <param name="ShardTime">Time that each takes, more than 0; in any unit that is the same for all workers.</param>
public readonly record struct Capacity(SessionId Worker, int Threads, double ShardTime = 1);

/// <summary>Shards that a worker is to compute.</summary>
public readonly record struct ShardAssignment(SessionId Worker, ShardRange Shards);

/// <summary>Who computes which shards. Changes how long a step takes, never its result.</summary>
/// <remarks>
/// Members get consecutive shards, in the order given; one that is too slow to help gets none. A thread takes one shard
/// at a time, so n shards take a member ceil(n / threads) of its shard times. Let T be the shortest time in which all
/// members together can do them. Of the divisions that take at most 5 % more than T (times are measured, so that is as
/// good) it takes one with the fewest sums, since each sum is as long as a gradient and travels: over 32 shards, a cut
/// at 16 costs 2 sums, one at 17 costs 6. Among those, the one with the least sum of n^2 x shard time / threads, which
/// is the most even. Cost: dynamic programming over the places of each cut, O(members x slack^2) at worst, where slack
/// is how many shards more the members could do in the time, at most <see cref="SlackMax"/> or the number of threads;
/// the caller keeps plans.
/// </remarks>
public static class ShardPlan
{
    private const double Tolerance = 0.05;
    private const int SlackMax = 32;

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
        long[] limits = FindLimits(count, members);

        // Members before a cut can take at most their limits, and so can those behind it: few places are left.
        (int Low, int High)[] window = new (int, int)[members.Count + 1];
        long before = 0;
        long after = limits.Sum();
        for (int i = 0; i <= members.Count; i++)
        {
            window[i] = ((int)Math.Max(0, count - after), (int)Math.Min(count, before));
            before += i < members.Count ? limits[i] : 0;
            after -= i < members.Count ? limits[i] : 0;
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
                Cost cost = best[i][a - window[i].Low];
                int most = (int)Math.Min(high, a + limits[i]);
                for (int b = Math.Max(a, low); cost != Cost.Unreachable && b <= most; b++)
                {
                    double unevenness = (double)(b - a) * (b - a) * members[i].ShardTime / members[i].Threads;
                    Cost next = new(cost.Sums + CountSums(tree, shards, a, b), cost.Unevenness + unevenness);
                    if (next.IsLessThan(best[i + 1][b - low]))
                    {
                        best[i + 1][b - low] = next;
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

    /// <summary>The most shards that each member may get.</summary>
    private static long[] FindLimits(int count, IReadOnlyList<Capacity> members)
    {
        // As many whole shard times as all have in the time that parts of shards would take, then one at a time.
        double time = count / members.Sum(member => member.Threads / member.ShardTime);
        long[] rounds = [.. members.Select(member => (long)(time / member.ShardTime))];
        long left = count - Enumerable.Range(0, members.Count).Sum(i => rounds[i] * members[i].Threads);
        while (left > 0)
        {
            int next = Enumerable.Range(0, members.Count).MinBy(i => (rounds[i] + 1) * members[i].ShardTime);
            rounds[next]++;
            left -= members[next].Threads;
        }

        time = Enumerable.Range(0, members.Count).Max(i => rounds[i] * members[i].ShardTime);
        for (double tolerance = Tolerance; ; tolerance = tolerance < 1e-6 ? 0 : tolerance / 2)
        {
            double limit = time * (1 + tolerance);
            long[] limits = [.. members.Select((member, i) =>
                Math.Max(rounds[i], (long)(limit / member.ShardTime)) * member.Threads)];
            if (tolerance == 0 || limits.Sum() - count <= SlackMax)
            {
                return limits;
            }
        }
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
