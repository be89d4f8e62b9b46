using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>How many leaves a worker computes at once.</summary>
public readonly record struct Capacity(WorkerId Worker, int Threads);

/// <summary>Leaves that a worker is to compute.</summary>
public readonly record struct LeafAssignment(WorkerId Worker, LeafRange Leaves);

/// <summary>Who computes which leaves. Changes how long a step takes, never its result.</summary>
/// <remarks>
/// Members get consecutive leaves, in the order given. First the step is made as short as can be: leaves are equally
/// long and a thread takes one at a time, so T = ceil(leaves / threads) leaf times, and nobody gets more than T a
/// thread. Among such divisions it takes one with the fewest sums, since each sum is as long as a gradient and
/// travels: over 32 leaves, a cut at 16 costs 2 sums, one at 17 costs 6. Among those, the most even one.
/// Cost: dynamic programming over the places of each cut, O(members x threads^2) at worst; the caller keeps plans.
/// </remarks>
public static class LeafPlan
{
    /// <summary>Divides leaves over members; a member may get none, one or several ranges.</summary>
    /// <param name="tree">The step's tree.</param>
    /// <param name="leaves">What is to be computed: disjoint non-empty ranges, ascending.</param>
    /// <param name="members">At least one, each with at least one thread.</param>
    public static IReadOnlyList<LeafAssignment> Divide(
        LeafTree tree, IReadOnlyList<LeafRange> leaves, IReadOnlyList<Capacity> members)
    {
        ArgumentOutOfRangeException.ThrowIfZero(members.Count);
        int count = leaves.Sum(range => range.Count);
        int[] cuts = FindCuts(tree, leaves, count, members);
        List<LeafAssignment> assignments = [];
        for (int i = 0; i < members.Count; i++)
        {
            foreach (LeafRange range in Slice(leaves, cuts[i], cuts[i + 1]))
            {
                assignments.Add(new LeafAssignment(members[i].Worker, range));
            }
        }

        return assignments;
    }

    /// <summary>
    /// Places of the cuts, counted in leaves to compute: member i gets those from cuts[i] to cuts[i+1].
    /// </summary>
    private static int[] FindCuts(
        LeafTree tree, IReadOnlyList<LeafRange> leaves, int count, IReadOnlyList<Capacity> members)
    {
        int threads = members.Sum(member => member.Threads);
        int leafTimes = ((count - 1) / threads) + 1;

        // Members before a cut can take at most T a thread, and so can those behind it: few places are left.
        (int Low, int High)[] window = new (int, int)[members.Count + 1];
        int threadsSoFar = 0;
        for (int i = 0; i <= members.Count; i++)
        {
            long most = (long)leafTimes * threadsSoFar;
            long mostAfter = (long)leafTimes * (threads - threadsSoFar);
            window[i] = ((int)Math.Max(0, count - mostAfter), (int)Math.Min(count, most));
            threadsSoFar += i < members.Count ? members[i].Threads : 0;
        }

        // best[i][a - low]: least cost if the first i members take the first a leaves; and where the cut before was.
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
                int most = (int)Math.Min(high, a + ((long)leafTimes * members[i].Threads));
                for (int b = Math.Max(a, low); before != Cost.Unreachable && b <= most; b++)
                {
                    double unevenness = (double)(b - a) * (b - a) / members[i].Threads;
                    Cost cost = new(before.Sums + CountSums(tree, leaves, a, b), before.Unevenness + unevenness);
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

    private static int CountSums(LeafTree tree, IReadOnlyList<LeafRange> leaves, int from, int to)
    {
        int sums = 0;
        foreach (LeafRange range in Slice(leaves, from, to))
        {
            sums += tree.CountMaximal(new LeafSpan(range.First, range.End));
        }

        return sums;
    }

    /// <summary>The ranges of the leaves numbered from to to - 1 among those to compute.</summary>
    private static IEnumerable<LeafRange> Slice(IReadOnlyList<LeafRange> leaves, int from, int to)
    {
        int before = 0;
        foreach (LeafRange range in leaves)
        {
            int first = range.First + Math.Max(0, from - before);
            int end = Math.Min(range.End, range.First + to - before);
            if (first < end)
            {
                yield return new LeafRange(first, end);
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
