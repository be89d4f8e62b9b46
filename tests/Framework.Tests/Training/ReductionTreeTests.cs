using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>ReductionTree against a tree that is built node by node.</summary>
public sealed class ReductionTreeTests
{
    private const int ShardCountMax = 70;

    [Fact]
    public void Geometry_AnyShardCount_IsThatOfTheTreeBuiltByHand()
    {
        for (int shardCount = 1; shardCount <= ShardCountMax; shardCount++)
        {
            ReductionTree tree = new(shardCount);
            Node root = Build(shardCount);
            Assert.Equal(root.Span, tree.Cover(tree.Root));
            Check(tree, root, tree.Canonical(tree.Root));
            int names = 0;
            for (int level = -1; level < 9; level++)
            {
                for (int index = -1; index <= shardCount + 1; index++)
                {
                    TreeNode node = new(level, index);
                    if (tree.IsNode(node))
                    {
                        names++;
                        Assert.Equal(tree.Cover(node), tree.Cover(tree.Canonical(node)));
                        Assert.Equal(index << level, tree.Cover(node).First);
                    }
                }
            }

            int expected = 0;
            for (int level = 0, width = shardCount; ; level++, width = (width + 1) / 2)
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
        for (int shardCount = 1; shardCount <= ShardCountMax; shardCount++)
        {
            ReductionTree tree = new(shardCount);
            Node root = Build(shardCount);
            for (int first = 0; first < shardCount; first++)
            {
                for (int end = first + 1; end <= shardCount; end++)
                {
                    List<ShardRange> expected = [];
                    Collect(root, new ShardRange(first, end), expected);
                    List<TreeNode> nodes = [.. tree.MaximalNodes(new ShardRange(first, end))];
                    Assert.Equal(expected, nodes.Select(node => tree.Cover(node)));
                    Assert.All(nodes, node => Assert.Equal(tree.Canonical(node), node));
                    Assert.Equal(expected.Count, tree.CountMaximal(new ShardRange(first, end)));
                }
            }
        }
    }

    [Fact]
    public void CountMaximal_CutBesideTheMiddle_CostsSixSums()
    {
        ReductionTree tree = new(32);
        Assert.Equal(2, tree.CountMaximal(new ShardRange(0, 16)) + tree.CountMaximal(new ShardRange(16, 32)));
        Assert.Equal(6, tree.CountMaximal(new ShardRange(0, 17)) + tree.CountMaximal(new ShardRange(17, 32)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Constructor_ImpossibleShardCount_Throws(int shardCount) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReductionTree(shardCount));

    private static void Check(ReductionTree tree, Node node, TreeNode name)
    {
        Assert.Equal(node.Span, tree.Cover(name));
        if (node.Left is null || node.Right is null)
        {
            Assert.Equal(0, name.Level);
            return;
        }

        TreeNode left = tree.Left(name);
        TreeNode right = tree.Right(name);
        Assert.Equal((name, name), (tree.Parent(left), tree.Parent(right)));
        Assert.Equal((right, left), (tree.Sibling(left), tree.Sibling(right)));
        Check(tree, node.Left, left);
        Check(tree, node.Right, right);
    }

    private static void Collect(Node node, ShardRange span, List<ShardRange> spans)
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
    private static Node Build(int shardCount)
    {
        List<Node> level =
            [.. Enumerable.Range(0, shardCount).Select(i => new Node(new ShardRange(i, i + 1), null, null))];
        while (level.Count > 1)
        {
            level = [.. level.Chunk(2).Select(pair => pair.Length == 1 ? pair[0]
                : new Node(new ShardRange(pair[0].Span.First, pair[1].Span.End), pair[0], pair[1]))];
        }

        return level[0];
    }

    private sealed record Node(ShardRange Span, Node? Left, Node? Right);
}
