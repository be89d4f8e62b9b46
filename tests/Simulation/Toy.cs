using Distributed.Framework.Training;

namespace Distributed.Simulation;

/// <summary>A training whose every sum depends on its order: adding is a hash of both sides.</summary>
internal static class Toy
{
    public const ulong Initial = 12345;

    /// <summary>In the place of a sum that must never be added.</summary>
    public const ulong Poison = 666;

    public static ulong Shard(ulong weights, int step, int shard) => Mix(Mix(weights, (ulong)step), (ulong)shard);

    public static ulong Add(ulong left, ulong right) => Mix(left + 1, right);

    public static ulong Update(ulong weights, ulong sum) => Mix(weights, sum + 7);

    /// <summary>The sum of one node, computed as the definition says.</summary>
    public static ulong Node(ReductionTree tree, TreeNode node, ulong weights, int step)
    {
        node = tree.Canonical(node);
        return node.Level == 0
            ? Shard(weights, step, node.Index)
            : Add(Node(tree, tree.Left(node), weights, step), Node(tree, tree.Right(node), weights, step));
    }

    /// <summary>The weights after 0, 1, ... updates without any fault or distribution.</summary>
    public static ulong[] Run(BatchSchedule schedule)
    {
        ulong[] weights = new ulong[schedule.StepsTotal + 1];
        weights[0] = Initial;
        for (int step = 0; step < schedule.StepsTotal; step++)
        {
            ReductionTree tree = new(schedule.At(step).ShardCount);
            weights[step + 1] = Update(weights[step], Node(tree, tree.Root, weights[step], step));
        }

        return weights;
    }

    private static ulong Mix(ulong left, ulong right)
    {
        ulong mixed = (left * 0x9E3779B97F4A7C15) ^ (right + 0xD1B54A32D192ED03 + (left << 6) + (left >> 2));
        mixed ^= mixed >> 29;
        mixed *= 0xBF58476D1CE4E5B9;
        return mixed ^ (mixed >> 32);
    }
}
