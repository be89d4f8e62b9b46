using Distributed.Framework.Randomness;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

public sealed class TreeReductionTests
{
    /// <summary>
    /// Goal: what is added to what never depends on arrival. Method: sums are the text of their own expression; put
    /// the shards of a span in a random order and demand the expressions of its maximal nodes.
    /// </summary>
    [Fact]
    public void Put_AnyOrder_GivesTheExpressionsOfTheMaximalNodes()
    {
        TreeReduction<Text> sums = new((left, right) => left.Value = $"({left.Value}+{right.Value})");
        for (uint seed = 1; seed <= 500; seed++)
        {
            int shardCount = 1 + Draw(seed, 0, 40);
            int first = Draw(seed, 1, shardCount);
            ShardRange span = new(first, first + 1 + Draw(seed, 2, shardCount - first));
            ReductionTree tree = new(shardCount);
            sums.Reset(shardCount, span);
            Dictionary<TreeNode, string> totals = [];
            List<int> shards = [.. Enumerable.Range(span.First, span.Count)];
            for (uint i = 0; shards.Count > 0; i++)
            {
                int at = Draw(seed, 3 + i, shards.Count);
                Text shard = new() { Value = $"{shards[at]}" };
                Assert.False(sums.IsComplete);
                if (sums.Put(new TreeNode(0, shards[at]), shard, out TreeNode node, out Text? total))
                {
                    totals.Add(node, total!.Value);
                }

                shards.RemoveAt(at);
            }

            Assert.True(sums.IsComplete, $"seed {seed}");
            Assert.Null(sums.TakeRest());
            Assert.Equal(tree.MaximalNodes(span), totals.Keys.OrderBy(node => tree.Cover(node).First));
            Assert.All(totals, pair => Assert.Equal(Expression(tree, pair.Key), pair.Value));
        }
    }

    [Fact]
    public void Put_PartialSums_GiveTheRootOfTheWholeTree()
    {
        ReductionTree tree = new(13);
        TreeReduction<Text> sums = new((left, right) => left.Value = $"({left.Value}+{right.Value})");
        sums.Reset(13, new ShardRange(0, 13));
        TreeNode[] nodes = [.. tree.MaximalNodes(new ShardRange(5, 13)), .. tree.MaximalNodes(new ShardRange(0, 5))];
        string? root = null;
        foreach (TreeNode node in nodes)
        {
            bool isDone = sums.Put(node, new Text { Value = Expression(tree, node) }, out _, out Text? total);
            root = isDone ? total!.Value : root;
        }

        Assert.Equal(Expression(tree, tree.Root), root);
    }

    [Fact]
    public void Put_WrongNode_Throws()
    {
        TreeReduction<Text> sums = new((_, _) => { });
        sums.Reset(8, new ShardRange(2, 6));
        sums.Put(new TreeNode(0, 2), new Text(), out _, out _);
        Assert.Throws<ArgumentException>(() => sums.Put(new TreeNode(0, 2), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new TreeNode(0, 1), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new TreeNode(2, 0), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new TreeNode(9, 0), new Text(), out _, out _));
    }

    [Fact]
    public void TakeRest_StepGivenUp_HandsOutEverySumOnce()
    {
        TreeReduction<Text> sums = new((_, _) => { });
        sums.Reset(8, new ShardRange(0, 8));
        Text[] put = [new(), new(), new()];
        sums.Put(new TreeNode(0, 1), put[0], out _, out _);
        sums.Put(new TreeNode(1, 1), put[1], out _, out _);
        sums.Put(new TreeNode(2, 1), put[2], out _, out _);
        Assert.Equal<Text?>(put, [sums.TakeRest(), sums.TakeRest(), sums.TakeRest()]);
        Assert.Null(sums.TakeRest());
    }

    [Fact]
    public void Steps_AfterTheLongest_AllocateNothing()
    {
        TreeReduction<Text> sums = new((_, _) => { });
        Text shard = new();
        Run(sums, shard);
        long allocated = Allocation.Of(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                Run(sums, shard);
            }
        });

        Assert.Equal(0, allocated);
    }

    private static void Run(TreeReduction<Text> sums, Text shard)
    {
        sums.Reset(37, new ShardRange(3, 37));
        for (int i = 36; i >= 3; i--)
        {
            sums.Put(new TreeNode(0, i), shard, out _, out _);
        }
    }

    private static string Expression(ReductionTree tree, TreeNode node)
    {
        node = tree.Canonical(node);
        return node.Level == 0 ? $"{node.Index}"
            : $"({Expression(tree, tree.Left(node))}+{Expression(tree, tree.Right(node))})";
    }

    private static int Draw(uint seed, uint index, int below) =>
        (int)(new Philox(seed, RandomPurpose.SampleOrder).Block(index).Word0 % (uint)below);

    private sealed class Text
    {
        public string Value { get; set; } = "";
    }
}
