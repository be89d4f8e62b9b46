namespace Distributed.Framework.Training;

/// <summary>A node of a <see cref="LeafTree"/>; leaf i is (0, i).</summary>
public readonly record struct LeafNode(int Level, int Index)
{
    /// <inheritdoc/>
    public override string ToString() => $"({Level}, {Index})";
}

/// <summary>The leaves First to End - 1.</summary>
public readonly record struct LeafSpan(int First, int End)
{
    public int Count => End - First;

    public bool Contains(LeafSpan other) => First <= other.First && other.End <= End;

    public bool Meets(LeafSpan other) => First < other.End && other.First < End;

    /// <inheritdoc/>
    public override string ToString() => $"{First}..{End}";
}

/// <summary>The order in which the leaves of one step are added up: fixed by their number alone.</summary>
/// <remarks>
/// Node (l, i) covers the leaves [i 2^l, min((i+1) 2^l, L)). A node without a right child is its left child: no
/// addition, no rounding. Several (l, i) may so name one node; the canonical name has the lowest level. Parents
/// and children are given by canonical names, and a parent always has two children.
/// </remarks>
public readonly record struct LeafTree
{
    /// <summary>Most leaves a step may have: keeps every 2^l and every index within an int.</summary>
    public const int LeafCountMax = 1 << 20;

    /// <summary>The tree over L leaves.</summary>
    /// <exception cref="ArgumentOutOfRangeException">L is not in [1, <see cref="LeafCountMax"/>].</exception>
    public LeafTree(int leafCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(leafCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(leafCount, LeafCountMax);
        LeafCount = leafCount;
        Height = 32 - int.LeadingZeroCount(leafCount - 1);
    }

    public int LeafCount { get; }

    /// <summary>Level of the root: the least l with 2^l >= L.</summary>
    public int Height { get; }

    /// <summary>The node that covers all leaves.</summary>
    public LeafNode Root => new(Height, 0);

    /// <summary>Whether (l, i) names a node, canonically or not: it covers at least one leaf, up to the root.</summary>
    public bool IsNode(LeafNode node) =>
        node.Level >= 0 && node.Level <= Height && node.Index >= 0 && node.Index <= (LeafCount - 1) >> node.Level;

    /// <summary>The leaves below a node.</summary>
    public LeafSpan Cover(LeafNode node)
    {
        int first = node.Index << node.Level;
        return new LeafSpan(first, Math.Min(first + (1 << node.Level), LeafCount));
    }

    /// <summary>The one name of the node: as long as there is no right child, the left child.</summary>
    public LeafNode Canonical(LeafNode node)
    {
        (int level, int index) = node;
        while (level > 0 && ((2 * index) + 1) << (level - 1) >= LeafCount)
        {
            level--;
            index *= 2;
        }

        return new LeafNode(level, index);
    }

    /// <summary>The left child of a canonical node above the leaves.</summary>
    public LeafNode Left(LeafNode node) => Canonical(new LeafNode(node.Level - 1, 2 * node.Index));

    /// <summary>The right child of a canonical node above the leaves.</summary>
    public LeafNode Right(LeafNode node) => Canonical(new LeafNode(node.Level - 1, (2 * node.Index) + 1));

    /// <summary>The node whose sum a canonical node goes into; the root has none.</summary>
    public LeafNode Parent(LeafNode node)
    {
        (int level, int index) = node;
        do
        {
            level++;
            index >>= 1;
        }
        while (Canonical(new LeafNode(level, index)) == node);

        return new LeafNode(level, index);
    }

    /// <summary>The other child of a canonical node's parent.</summary>
    public LeafNode Sibling(LeafNode node)
    {
        LeafNode parent = Parent(node);
        LeafNode left = Left(parent);
        return left == node ? Right(parent) : left;
    }

    /// <summary>The largest node that starts at the first leaf of a non-empty span and stays within it.</summary>
    public LeafNode FirstMaximal(LeafSpan span)
    {
        LeafNode best = new(0, span.First);
        for (int level = 1; level <= Height && (span.First & ((1 << level) - 1)) == 0; level++)
        {
            LeafNode next = new(level, span.First >> level);
            if (Cover(next).End > span.End)
            {
                break;
            }

            best = next;
        }

        return Canonical(best);
    }

    /// <summary>The fewest complete nodes that exactly cover a span, from left to right.</summary>
    public IEnumerable<LeafNode> MaximalNodes(LeafSpan span)
    {
        int at = span.First;
        while (at < span.End)
        {
            LeafNode node = FirstMaximal(new LeafSpan(at, span.End));
            yield return node;
            at = Cover(node).End;
        }
    }

    /// <summary>How many nodes <see cref="MaximalNodes"/> gives: the sums that a holder of the span sends.</summary>
    public int CountMaximal(LeafSpan span)
    {
        int count = 0;
        for (int at = span.First; at < span.End; count++)
        {
            at = Cover(FirstMaximal(new LeafSpan(at, span.End))).End;
        }

        return count;
    }
}
