using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>Which sums count in one step: in the end, nodes of the tree that cover every leaf exactly once.</summary>
/// <remarks>
/// Two nodes of a tree are apart or one contains the other. So a sum that covers no accepted leaf is accepted; one
/// that strictly contains every accepted node it meets replaces them; anything else is there already. All answers
/// for one node are equal bit for bit, so it does not matter which of them counts.
/// </remarks>
public sealed class LeafRound(LeafTree tree)
{
    /// <summary>For every leaf the accepted sum that covers it.</summary>
    private readonly AcceptedSum?[] _byLeaf = new AcceptedSum?[tree.LeafCount];
    private int _accepted;

    public LeafTree Tree => tree;

    public bool IsComplete => _accepted == tree.LeafCount;

    public int MissingCount => tree.LeafCount - _accepted;

    /// <summary>The leaves that no accepted sum covers, as few ranges as can be, ascending.</summary>
    public IEnumerable<LeafRange> Missing
    {
        get
        {
            int first = 0;
            for (int leaf = 0; leaf <= tree.LeafCount; leaf++)
            {
                if (leaf < tree.LeafCount && _byLeaf[leaf] is null)
                {
                    continue;
                }

                if (first < leaf)
                {
                    yield return new LeafRange(first, leaf);
                }

                first = leaf + 1;
            }
        }
    }

    /// <summary>The accepted sums from left to right: the order in which the shell takes them.</summary>
    public IReadOnlyList<AcceptedSum> InTreeOrder
    {
        get
        {
            List<AcceptedSum> sums = [];
            for (int leaf = 0; leaf < tree.LeafCount; leaf++)
            {
                if (_byLeaf[leaf] is { } sum && (leaf == 0 || !ReferenceEquals(_byLeaf[leaf - 1], sum)))
                {
                    sums.Add(sum);
                }
            }

            return sums;
        }
    }

    public bool IsMissing(int leaf) => _byLeaf[leaf] is null;

    /// <summary>Whether a sum of this node would count.</summary>
    public bool Wants(Subtree subtree)
    {
        LeafSpan span = Cover(subtree);
        for (int leaf = span.First; leaf < span.End; leaf++)
        {
            if (_byLeaf[leaf] is { } met)
            {
                return !Cover(met.Subtree).Contains(span);
            }
        }

        return true;
    }

    /// <summary>Accepts a sum that <see cref="Wants"/> is true of.</summary>
    /// <param name="sum">The sum, under the node's canonical name or any other.</param>
    /// <param name="replaced">Receives the gradients of sums that it contains; nobody needs them now.</param>
    public void Put(AcceptedSum sum, ICollection<GradientTicket> replaced)
    {
        Invariant.Assert(Wants(sum.Subtree), "Only sums that count are put.");

        LeafNode node = tree.Canonical(new LeafNode(sum.Subtree.Level, sum.Subtree.Index));
        sum = sum with { Subtree = new Subtree(node.Level, node.Index) };
        LeafSpan span = tree.Cover(node);
        for (int leaf = span.First; leaf < span.End; leaf++)
        {
            AcceptedSum? met = _byLeaf[leaf];
            _accepted += met is null ? 1 : 0;
            if (met is not null && leaf == Cover(met.Subtree).First)
            {
                replaced.Add(met.Gradient);
            }

            _byLeaf[leaf] = sum;
        }
    }

    private LeafSpan Cover(Subtree subtree) => tree.Cover(new LeafNode(subtree.Level, subtree.Index));
}
