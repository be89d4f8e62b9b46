namespace Distributed.Framework.Training;

/// <summary>
/// Adds up the sums of a span of shards as they come, in the order of the tree, whatever order they come in.
/// </summary>
/// <typeparam name="T">What holds a sum, for example a pooled buffer.</typeparam>
/// <param name="combine">left += right; right is then free to be used again.</param>
/// <remarks>
/// A worker resets it to the span it holds, the coordinator to all shards. Callers take turns: it does not lock.
/// Memory: two slots a shard of the longest step so far, kept between steps; no allocation afterwards.
/// </remarks>
public sealed class TreeReduction<T>(Action<T, T> combine)
    where T : class
{
    private T?[] _slots = [];
    private int _put;

    /// <summary>The tree of this step.</summary>
    public ReductionTree Tree { get; private set; } = new(1);

    /// <summary>The shards to add up.</summary>
    public ShardRange Span { get; private set; }

    /// <summary>Whether every shard of the span has been put.</summary>
    public bool IsComplete => _put == Span.Count;

    /// <summary>
    /// Begins a step; sums that were left over are forgotten, so take them first with <see cref="TakeRest"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The span is empty or outside the tree.</exception>
    public void Reset(int shardCount, ShardRange span)
    {
        Tree = new ReductionTree(shardCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(span.First, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(span.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(span.End, shardCount);
        Span = span;
        _put = 0;
        if (_slots.Length < 2 * shardCount)
        {
            _slots = new T?[2 * shardCount];
        }
        else
        {
            Array.Clear(_slots);
        }
    }

    /// <summary>Takes the sum of one node and adds siblings as long as both are there.</summary>
    /// <param name="node">A node within the span that meets no node put before.</param>
    /// <param name="sum">Its sum; now owned by this object.</param>
    /// <param name="completed">If true is returned, a maximal node of the span, else undefined.</param>
    /// <param name="total">If true is returned, its sum, now owned by the caller, else null.</param>
    /// <returns>Whether this was the last sum missing for one of the span's maximal nodes.</returns>
    /// <exception cref="ArgumentException">No such node, outside the span, or already there.</exception>
    public bool Put(TreeNode node, T sum, out TreeNode completed, out T? total)
    {
        if (!Tree.IsNode(node) || !Span.Contains(Tree.Cover(node)))
        {
            throw new ArgumentException($"{node} is not within {Span} of {Tree.ShardCount} shards.", nameof(node));
        }

        completed = Tree.Canonical(node);
        total = sum;
        _put += Tree.Cover(completed).Count;
        while (completed != Tree.Root && Span.Contains(Tree.Cover(Tree.Parent(completed))))
        {
            TreeNode sibling = Tree.Sibling(completed);
            T? other = _slots[Slot(sibling)];
            if (other is null)
            {
                ref T? slot = ref _slots[Slot(completed)];
                if (slot is not null)
                {
                    throw new ArgumentException($"{completed} has been put before.", nameof(node));
                }

                slot = total;
                total = null;
                return false;
            }

            _slots[Slot(sibling)] = null;
            bool isLeft = completed.Index << completed.Level < sibling.Index << sibling.Level;
            T left = isLeft ? total : other;
            combine(left, isLeft ? other : total);
            total = left;
            completed = Tree.Parent(completed);
        }

        return true;
    }

    /// <summary>Hands out the sums of a step that is given up; call until null.</summary>
    public T? TakeRest()
    {
        foreach (ref T? slot in _slots.AsSpan())
        {
            if (slot is not null)
            {
                T rest = slot;
                slot = null;
                return rest;
            }
        }

        return null;
    }

    /// <summary>
    /// Counts all nodes from left to right: shard i is slot 2i; a node above lies between its two children, just before
    /// the first shard of its right child.
    /// </summary>
    private static int Slot(TreeNode node) =>
        node.Level == 0 ? 2 * node.Index : (2 * (node.Index << node.Level)) + (1 << node.Level) - 1;
}
