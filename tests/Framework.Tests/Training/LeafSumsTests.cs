using Distributed.Framework.Randomness;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

public sealed class LeafSumsTests
{
    /// <summary>
    /// Goal: what is added to what never depends on arrival. Method: sums are the text of their own expression; put
    /// the leaves of a span in a random order and demand the expressions of its maximal nodes.
    /// </summary>
    [Fact]
    public void Put_AnyOrder_GivesTheExpressionsOfTheMaximalNodes()
    {
        LeafSums<Text> sums = new((left, right) => left.Value = $"({left.Value}+{right.Value})");
        for (uint seed = 1; seed <= 500; seed++)
        {
            int leafCount = 1 + Draw(seed, 0, 40);
            int first = Draw(seed, 1, leafCount);
            LeafSpan span = new(first, first + 1 + Draw(seed, 2, leafCount - first));
            LeafTree tree = new(leafCount);
            sums.Reset(leafCount, span);
            Dictionary<LeafNode, string> totals = [];
            List<int> leaves = [.. Enumerable.Range(span.First, span.Count)];
            for (uint i = 0; leaves.Count > 0; i++)
            {
                int at = Draw(seed, 3 + i, leaves.Count);
                Text leaf = new() { Value = $"{leaves[at]}" };
                Assert.False(sums.IsComplete);
                if (sums.Put(new LeafNode(0, leaves[at]), leaf, out LeafNode node, out Text? total))
                {
                    totals.Add(node, total!.Value);
                }

                leaves.RemoveAt(at);
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
        LeafTree tree = new(13);
        LeafSums<Text> sums = new((left, right) => left.Value = $"({left.Value}+{right.Value})");
        sums.Reset(13, new LeafSpan(0, 13));
        LeafNode[] nodes = [.. tree.MaximalNodes(new LeafSpan(5, 13)), .. tree.MaximalNodes(new LeafSpan(0, 5))];
        string? root = null;
        foreach (LeafNode node in nodes)
        {
            bool isDone = sums.Put(node, new Text { Value = Expression(tree, node) }, out _, out Text? total);
            root = isDone ? total!.Value : root;
        }

        Assert.Equal(Expression(tree, tree.Root), root);
    }

    [Fact]
    public void Put_WrongNode_Throws()
    {
        LeafSums<Text> sums = new((_, _) => { });
        sums.Reset(8, new LeafSpan(2, 6));
        sums.Put(new LeafNode(0, 2), new Text(), out _, out _);
        Assert.Throws<ArgumentException>(() => sums.Put(new LeafNode(0, 2), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new LeafNode(0, 1), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new LeafNode(2, 0), new Text(), out _, out _));
        Assert.Throws<ArgumentException>(() => sums.Put(new LeafNode(9, 0), new Text(), out _, out _));
    }

    [Fact]
    public void TakeRest_StepGivenUp_HandsOutEverySumOnce()
    {
        LeafSums<Text> sums = new((_, _) => { });
        sums.Reset(8, new LeafSpan(0, 8));
        Text[] put = [new(), new(), new()];
        sums.Put(new LeafNode(0, 1), put[0], out _, out _);
        sums.Put(new LeafNode(1, 1), put[1], out _, out _);
        sums.Put(new LeafNode(2, 1), put[2], out _, out _);
        Assert.Equal<Text?>(put, [sums.TakeRest(), sums.TakeRest(), sums.TakeRest()]);
        Assert.Null(sums.TakeRest());
    }

    [Fact]
    public void Steps_AfterTheLongest_AllocateNothing()
    {
        LeafSums<Text> sums = new((_, _) => { });
        Text leaf = new();
        Run(sums, leaf);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
        {
            Run(sums, leaf);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Run(LeafSums<Text> sums, Text leaf)
    {
        sums.Reset(37, new LeafSpan(3, 37));
        for (int i = 36; i >= 3; i--)
        {
            sums.Put(new LeafNode(0, i), leaf, out _, out _);
        }
    }

    private static string Expression(LeafTree tree, LeafNode node)
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
