using Distributed.Coordinator.Core;
using Distributed.Framework.Randomness;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests;

public sealed class StepReductionTests
{
    /// <summary>
    /// Goal: accepted sums always cover each shard at most once. Method: put random nodes and compare with a dumb list
    /// of accepted nodes and the rule as it is written.
    /// </summary>
    [Fact]
    public void Put_AnyNodes_FollowsTheRule()
    {
        for (uint seed = 1; seed <= 500; seed++)
        {
            Philox philox = new(seed, RandomPurpose.SampleOrder);
            ReductionTree tree = new(1 + (int)(philox.Block(0).Word0 % 40));
            StepReduction reduction = new(tree);
            List<(ShardRange Span, uint Number)> accepted = [];
            for (uint i = 1; !reduction.IsComplete; i++)
            {
                RandomBlock random = philox.Block(i);
                int level = (int)(random.Word0 % (uint)(tree.Height + 1));
                TreeNode node = new(level, (int)(random.Word1 % (uint)(((tree.ShardCount - 1) >> level) + 1)));
                ShardRange span = tree.Cover(node);
                List<(ShardRange Span, uint Number)> met = accepted.FindAll(other => other.Span.Meets(span));
                bool isWanted = met.TrueForAll(other => span.Contains(other.Span) && span != other.Span);

                Assert.True(isWanted == reduction.Wants(node), $"seed {seed}: {node}");
                if (isWanted)
                {
                    List<WorkerMessage.GradientSum> replaced = [];
                    reduction.Put(Sum(node, i), replaced);
                    Assert.Equal(met.Select(other => other.Number).Order(), replaced.Select(Number).Order());
                    accepted.RemoveAll(met.Contains);
                    accepted.Add((span, i));
                }

                accepted.Sort((left, right) => left.Span.First.CompareTo(right.Span.First));
                Assert.Equal(accepted.Select(sum => sum.Number), reduction.InTreeOrder.Select(Number));
                bool[] covered = [.. Enumerable.Range(0, tree.ShardCount)
                    .Select(shard => accepted.Exists(sum => sum.Span.Contains(new ShardRange(shard, shard + 1))))];
                Assert.Equal(
                    covered, Enumerable.Range(0, tree.ShardCount).Select(shard => !reduction.IsMissing(shard)));
                Assert.Equal(covered.Count(isCovered => !isCovered), reduction.Missing.Sum(range => range.Count));
                Assert.All(reduction.Missing, range => Assert.False(covered[range.First] || covered[range.End - 1]));
            }

            Assert.Empty(reduction.Missing);
        }
    }

    [Fact]
    public void Put_SecondNameOfANode_IsTheSameNode()
    {
        StepReduction reduction = new(new ReductionTree(5));
        reduction.Put(Sum(new TreeNode(2, 1), 1), []);
        Assert.False(reduction.Wants(new TreeNode(1, 2)));
        Assert.False(reduction.Wants(new TreeNode(0, 4)));
        Assert.True(reduction.Wants(new TreeNode(3, 0)));
    }

    /// <summary>A sum that is told from others by its loss.</summary>
    private static WorkerMessage.GradientSum Sum(TreeNode node, uint number) =>
        new(new Term(1), new Step(0), node, ShardCount: 0, Loss: number, Compute: default);

    private static uint Number(WorkerMessage.GradientSum sum) => (uint)sum.Loss;
}
