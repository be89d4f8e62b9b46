namespace Distributed.Framework.Training;

/// <summary>A node of a <see cref="ReductionTree"/>; shard i is (0, i).</summary>
public readonly record struct TreeNode(int Level, int Index)
{
    /// <inheritdoc/>
    public override string ToString() => $"({Level}, {Index})";
}

/// <summary>The shards First to End - 1.</summary>
public readonly record struct ShardRange(int First, int End)
{
    public int Count => End - First;

    public bool Contains(ShardRange other) => First <= other.First && other.End <= End;

    public bool Meets(ShardRange other) => First < other.End && other.First < End;

    /// <inheritdoc/>
    public override string ToString() => $"{First}..{End}";
}

/// <summary>The order in which the shards of one step are added up: fixed by their number alone.</summary>
/// <remarks>
/// Node (l, i) covers the shards [i 2^l, min((i+1) 2^l, L)). A node without a right child is its left child: no
/// addition, no rounding. Several (l, i) may so name one node; the canonical name has the lowest level. Parents
/// and children are given by canonical names, and a parent always has two children.
/// </remarks>
public readonly record struct ReductionTree
{
    /// <summary>Most shards a step may have: keeps every 2^l and every index within an int.</summary>
    public const int ShardCountMax = 1 << 20;

    /// <summary>The tree over L shards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">L is not in [1, <see cref="ShardCountMax"/>].</exception>
    public ReductionTree(int shardCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shardCount, ShardCountMax);
        ShardCount = shardCount;
        Height = 32 - int.LeadingZeroCount(shardCount - 1);
    }

    public int ShardCount { get; }

    /// <summary>Level of the root: the least l with 2^l >= L.</summary>
    public int Height { get; }

    /// <summary>The node that covers all shards.</summary>
    public TreeNode Root => new(Height, 0);

    /// <summary>Whether (l, i) names a node, canonically or not: it covers one shard at least.</summary>
    public bool IsNode(TreeNode node) =>
        node.Level >= 0 && node.Level <= Height && node.Index >= 0 && node.Index <= (ShardCount - 1) >> node.Level;

    /// <summary>The shards below a node.</summary>
    public ShardRange Cover(TreeNode node)
    {
        int first = node.Index << node.Level;
        return new ShardRange(first, Math.Min(first + (1 << node.Level), ShardCount));
    }

    /// <summary>The one name of the node: as long as there is no right child, the left child.</summary>
    public TreeNode Canonical(TreeNode node)
    {
        (int level, int index) = node;
        while (level > 0 && ((2 * index) + 1) << (level - 1) >= ShardCount)
        {
            level--;
            index *= 2;
        }

        return new TreeNode(level, index);
    }

    /// <summary>The left child of a canonical node above the shards.</summary>
    public TreeNode Left(TreeNode node) => Canonical(new TreeNode(node.Level - 1, 2 * node.Index));

    /// <summary>The right child of a canonical node above the shards.</summary>
    public TreeNode Right(TreeNode node) => Canonical(new TreeNode(node.Level - 1, (2 * node.Index) + 1));

    /// <summary>The node whose sum a canonical node goes into; the root has none.</summary>
    public TreeNode Parent(TreeNode node)
    {
        (int level, int index) = node;
        do
        {
            level++;
            index >>= 1;
        }
        while (Canonical(new TreeNode(level, index)) == node);

        return new TreeNode(level, index);
    }

    /// <summary>The other child of a canonical node's parent.</summary>
    public TreeNode Sibling(TreeNode node)
    {
        TreeNode parent = Parent(node);
        TreeNode left = Left(parent);
        return left == node ? Right(parent) : left;
    }

    /// <summary>The largest node that starts at the first shard of a non-empty span and stays within it.</summary>
    public TreeNode FirstMaximal(ShardRange span)
    {
        TreeNode best = new(0, span.First);
        for (int level = 1; level <= Height && (span.First & ((1 << level) - 1)) == 0; level++)
        {
            TreeNode next = new(level, span.First >> level);
            if (Cover(next).End > span.End)
            {
                break;
            }

            best = next;
        }

        return Canonical(best);
    }

    /// <summary>The fewest complete nodes that exactly cover a span, from left to right.</summary>
    public IEnumerable<TreeNode> MaximalNodes(ShardRange span)
    {
        int at = span.First;
        while (at < span.End)
        {
            TreeNode node = FirstMaximal(new ShardRange(at, span.End));
            yield return node;
            at = Cover(node).End;
        }
    }

    /// <summary>How many nodes <see cref="MaximalNodes"/> gives: the sums that a holder of the span sends.</summary>
    public int CountMaximal(ShardRange span)
    {
        int count = 0;
        for (int at = span.First; at < span.End; count++)
        {
            at = Cover(FirstMaximal(new ShardRange(at, span.End))).End;
        }

        return count;
    }
}
