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
            StepReduction round = new(tree);
            List<(ShardRange Span, long Ticket)> accepted = [];
            for (uint i = 1; !round.IsComplete; i++)
            {
                RandomBlock random = philox.Block(i);
                int level = (int)(random.Word0 % (uint)(tree.Height + 1));
                TreeNode node = new(level, (int)(random.Word1 % (uint)(((tree.ShardCount - 1) >> level) + 1)));
                ShardRange span = tree.Cover(node);
                List<(ShardRange Span, long Ticket)> met = accepted.FindAll(other => other.Span.Meets(span));
                bool isWanted = met.TrueForAll(other => span.Contains(other.Span) && span != other.Span);

                Assert.True(isWanted == round.Wants(node), $"seed {seed}: {node}");
                if (isWanted)
                {
                    List<GradientTicket> replaced = [];
                    round.Put(new AcceptedSum(node, new GradientTicket(i), Loss: i), replaced);
                    Assert.Equal(met.Select(other => other.Ticket).Order(), replaced.Select(t => t.Value).Order());
                    accepted.RemoveAll(met.Contains);
                    accepted.Add((span, i));
                }

                accepted.Sort((left, right) => left.Span.First.CompareTo(right.Span.First));
                Assert.Equal(accepted.Select(sum => sum.Ticket), round.InTreeOrder.Select(sum => sum.Gradient.Value));
                bool[] covered = [.. Enumerable.Range(0, tree.ShardCount)
                    .Select(shard => accepted.Exists(sum => sum.Span.Contains(new ShardRange(shard, shard + 1))))];
                Assert.Equal(covered, Enumerable.Range(0, tree.ShardCount).Select(shard => !round.IsMissing(shard)));
                Assert.Equal(covered.Count(isCovered => !isCovered), round.Missing.Sum(range => range.Count));
                Assert.Equal(round.MissingCount, round.Missing.Sum(range => range.Count));
                Assert.All(round.Missing, range => Assert.False(covered[range.First] || covered[range.End - 1]));
            }

            Assert.Empty(round.Missing);
        }
    }

    [Fact]
    public void Put_SecondNameOfANode_IsKeptUnderTheCanonicalOne()
    {
        StepReduction round = new(new ReductionTree(5));
        round.Put(new AcceptedSum(new TreeNode(2, 1), new GradientTicket(1), 0), []);
        Assert.Equal(new TreeNode(0, 4), round.InTreeOrder[0].Node);
        Assert.False(round.Wants(new TreeNode(1, 2)));
        Assert.False(round.Wants(new TreeNode(0, 4)));
        Assert.True(round.Wants(new TreeNode(3, 0)));
    }
}
