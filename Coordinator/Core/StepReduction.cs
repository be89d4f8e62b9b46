using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>Which sums count in one step: in the end, nodes of the tree that cover every shard exactly once.</summary>
/// <remarks>
/// Two nodes of a tree are apart or one contains the other. So a sum that covers no accepted shard is accepted; one
/// that strictly contains every accepted node it meets replaces them; anything else is there already. All answers
/// for one node are equal bit for bit, so it does not matter which of them counts.
/// </remarks>
public sealed class StepReduction(ReductionTree tree)
{
    /// <summary>For every shard the accepted sum that covers it.</summary>
    private readonly WorkerMessage.GradientSum?[] _byShard = new WorkerMessage.GradientSum?[tree.ShardCount];
    private int _accepted;

    public ReductionTree Tree => tree;

    public bool IsComplete => _accepted == tree.ShardCount;

    /// <summary>The shards that no accepted sum covers, as few ranges as can be, ascending.</summary>
    public IEnumerable<ShardRange> Missing
    {
        get
        {
            int first = 0;
            for (int shard = 0; shard <= tree.ShardCount; shard++)
            {
                if (shard < tree.ShardCount && _byShard[shard] is null)
                {
                    continue;
                }

                if (first < shard)
                {
                    yield return new ShardRange(first, shard);
                }

                first = shard + 1;
            }
        }
    }

    /// <summary>The accepted sums from left to right: the order in which the shell takes them.</summary>
    public IReadOnlyList<WorkerMessage.GradientSum> InTreeOrder
    {
        get
        {
            List<WorkerMessage.GradientSum> sums = [];
            for (int shard = 0; shard < tree.ShardCount; shard++)
            {
                if (_byShard[shard] is { } sum && (shard == 0 || !ReferenceEquals(_byShard[shard - 1], sum)))
                {
                    sums.Add(sum);
                }
            }

            return sums;
        }
    }

    public bool IsMissing(int shard) => _byShard[shard] is null;

    /// <summary>Whether a sum of this node would count.</summary>
    public bool Wants(TreeNode node)
    {
        ShardRange span = tree.Cover(node);
        for (int shard = span.First; shard < span.End; shard++)
        {
            if (_byShard[shard] is { } met)
            {
                return !tree.Cover(met.Node).Contains(span);
            }
        }

        return true;
    }

    /// <summary>Accepts a sum that <see cref="Wants"/> is true of.</summary>
    /// <param name="sum">The sum, under the node's canonical name or any other.</param>
    /// <param name="replaced">Receives the sums that it contains, which are not needed now.</param>
    public void Put(WorkerMessage.GradientSum sum, ICollection<WorkerMessage.GradientSum> replaced)
    {
        Invariant.Assert(Wants(sum.Node), "Only sums that count are put.");

        ShardRange span = tree.Cover(sum.Node);
        for (int shard = span.First; shard < span.End; shard++)
        {
            WorkerMessage.GradientSum? met = _byShard[shard];
            _accepted += met is null ? 1 : 0;
            if (met is not null && shard == tree.Cover(met.Node).First)
            {
                replaced.Add(met);
            }

            _byShard[shard] = sum;
        }
    }
}
