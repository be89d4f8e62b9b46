using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>LeafTree against a tree that is built node by node.</summary>
public sealed class LeafTreeTests
{
    private const int LeafCountMax = 70;

    [Fact]
    public void Geometry_AnyLeafCount_IsThatOfTheTreeBuiltByHand()
    {
        for (int leafCount = 1; leafCount <= LeafCountMax; leafCount++)
        {
            LeafTree tree = new(leafCount);
            Node root = Build(leafCount);
            Assert.Equal(root.Span, tree.Cover(tree.Root));
            Check(tree, root, tree.Canonical(tree.Root));
            int names = 0;
            for (int level = -1; level < 9; level++)
            {
                for (int index = -1; index <= leafCount + 1; index++)
                {
                    LeafNode node = new(level, index);
                    if (tree.IsNode(node))
                    {
                        names++;
                        Assert.Equal(tree.Cover(node), tree.Cover(tree.Canonical(node)));
                        Assert.Equal(index << level, tree.Cover(node).First);
                    }
                }
            }

            int expected = 0;
            for (int level = 0, width = leafCount; ; level++, width = (width + 1) / 2)
            {
                expected += width;
                if (width == 1)
                {
                    break;
                }
            }

            Assert.Equal(expected, names);
        }
    }

    [Fact]
    public void MaximalNodes_AnySpan_AreTheFewestThatCoverIt()
    {
        for (int leafCount = 1; leafCount <= LeafCountMax; leafCount++)
        {
            LeafTree tree = new(leafCount);
            Node root = Build(leafCount);
            for (int first = 0; first < leafCount; first++)
            {
                for (int end = first + 1; end <= leafCount; end++)
                {
                    List<LeafSpan> expected = [];
                    Collect(root, new LeafSpan(first, end), expected);
                    List<LeafNode> nodes = [.. tree.MaximalNodes(new LeafSpan(first, end))];
                    Assert.Equal(expected, nodes.Select(node => tree.Cover(node)));
                    Assert.All(nodes, node => Assert.Equal(tree.Canonical(node), node));
                    Assert.Equal(expected.Count, tree.CountMaximal(new LeafSpan(first, end)));
                }
            }
        }
    }

    [Fact]
    public void CountMaximal_CutBesideTheMiddle_CostsSixSums()
    {
        LeafTree tree = new(32);
        Assert.Equal(2, tree.CountMaximal(new LeafSpan(0, 16)) + tree.CountMaximal(new LeafSpan(16, 32)));
        Assert.Equal(6, tree.CountMaximal(new LeafSpan(0, 17)) + tree.CountMaximal(new LeafSpan(17, 32)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Constructor_ImpossibleLeafCount_Throws(int leafCount) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LeafTree(leafCount));

    private static void Check(LeafTree tree, Node node, LeafNode name)
    {
        Assert.Equal(node.Span, tree.Cover(name));
        if (node.Left is null || node.Right is null)
        {
            Assert.Equal(0, name.Level);
            return;
        }

        LeafNode left = tree.Left(name);
        LeafNode right = tree.Right(name);
        Assert.Equal((name, name), (tree.Parent(left), tree.Parent(right)));
        Assert.Equal((right, left), (tree.Sibling(left), tree.Sibling(right)));
        Check(tree, node.Left, left);
        Check(tree, node.Right, right);
    }

    private static void Collect(Node node, LeafSpan span, List<LeafSpan> spans)
    {
        if (span.Contains(node.Span))
        {
            spans.Add(node.Span);
        }
        else if (span.Meets(node.Span))
        {
            Collect(node.Left!, span, spans);
            Collect(node.Right!, span, spans);
        }
    }

    /// <summary>Pairs neighbours level by level; one without a partner goes up as it is.</summary>
    private static Node Build(int leafCount)
    {
        List<Node> level =
            [.. Enumerable.Range(0, leafCount).Select(i => new Node(new LeafSpan(i, i + 1), null, null))];
        while (level.Count > 1)
        {
            level = [.. level.Chunk(2).Select(pair => pair.Length == 1 ? pair[0]
                : new Node(new LeafSpan(pair[0].Span.First, pair[1].Span.End), pair[0], pair[1]))];
        }

        return level[0];
    }

    private sealed record Node(LeafSpan Span, Node? Left, Node? Right);
}
