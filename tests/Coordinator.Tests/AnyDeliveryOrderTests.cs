using Distributed.Coordinator.Core;
using Distributed.Framework.Randomness;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Coordinator.Tests;

public sealed class AnyDeliveryOrderTests
{
    private static readonly GradientTicket s_poison = new(-1);

    /// <summary>
    /// Goal: the update never depends on the network. Method: deliver the partial sums of one step in a random order,
    /// with repeats and with messages that must not count among them, and demand the update of the tidy delivery.
    /// </summary>
    [Fact]
    public void AnyDeliveryOrder_GivesTheSameUpdate()
    {
        for (uint seed = 1; seed <= 500; seed++)
        {
            uint draws = 0;
            int Draw(int below) =>
                (int)(new Philox(seed, RandomPurpose.SampleOrder).Block(draws++).Word0 % (uint)below);

            int shardCount = 2 + Draw(30);
            int workers = 1 + Draw(7);
            (CoordinatorMachine tidy, List<PartialSumArrived> messages) = StartStep(shardCount, workers);
            string expected = Update(Run(tidy, messages));

            PartialSumArrived first = messages[0];
            messages.AddRange([.. Enumerable.Range(0, 4).Select(_ => messages[Draw(messages.Count)])]); // Repeats.
            messages.Add(first with { Term = new Term(0), Gradient = s_poison }); // From an old term.
            messages.Add(first with { Term = new Term(2), Gradient = s_poison }); // From another coordinator.
            messages.Add(first with { Step = new Step(1), Gradient = s_poison }); // For a step that has not begun.
            messages.Add(first with { Node = new TreeNode(Level: 60, Index: 3), Gradient = s_poison }); // No node.
            messages.Add(first with { Node = new TreeNode(Level: 0, Index: -1), Gradient = s_poison }); // No node.
            messages.Add(first with { ShardCount = first.ShardCount + 1, Gradient = s_poison }); // Another tree.
            messages.Add(first with { Worker = new WorkerId(99), Gradient = s_poison }); // From a stranger.
            if (workers > 1)
            {
                messages.Add(first with { Node = messages.Find(m => m.Worker != first.Worker)?.Node
                    ?? new TreeNode(-1, 0), Gradient = s_poison }); // Not what it was asked for.
            }

            for (int i = messages.Count - 1; i > 0; i--)
            {
                int j = Draw(i + 1);
                (messages[i], messages[j]) = (messages[j], messages[i]);
            }

            (CoordinatorMachine shuffled, _) = StartStep(shardCount, workers);
            List<CoordinatorEffect> effects = Run(shuffled, messages);
            Assert.True(expected == Update(effects), $"seed {seed}: expected {expected}, got {Update(effects)}");

            // Every ticket is let go exactly once: used, discarded or released.
            int gone = effects.OfType<Discard>().Count() + effects.OfType<Release>().Count()
                + effects.OfType<ApplyUpdate>().Sum(update => update.Sums.Count);
            Assert.Equal(messages.Count, gone);
        }
    }

    private static (CoordinatorMachine Machine, List<PartialSumArrived> Messages) StartStep(int shardCount, int workers)
    {
        CoordinatorMachine machine = new(
            new Term(1),
            new Step(0),
            BatchSchedule.ForSteps(samples: shardCount, batch: shardCount, shard: 1, steps: 3),
            new CoordinatorOptions { Version = "1", Numerics = "n", WorkersMin = workers });
        List<CoordinatorEffect> effects = [];
        machine.Handle(new Started(), Timestamp.Zero, effects);
        for (int i = 1; i <= workers; i++)
        {
            machine.Handle(new WorkerJoined(new WorkerId(i), "n", "1", "n", Threads: 1), Timestamp.Zero, effects);
            machine.Handle(new WorkerReady(new WorkerId(i)), Timestamp.Zero, effects);
        }

        ReductionTree tree = new(shardCount);
        List<PartialSumArrived> messages = [];
        foreach (Assign assign in effects.OfType<Assign>())
        {
            foreach (TreeNode node in tree.MaximalNodes(assign.Shards))
            {
                ShardRange span = tree.Cover(node);
                messages.Add(new PartialSumArrived(
                    assign.Worker,
                    assign.Term,
                    assign.Step,
                    node,
                    span.Count,
                    Loss: span.First,
                    new GradientTicket(span.First)));
            }
        }

        return (machine, messages);
    }

    private static List<CoordinatorEffect> Run(CoordinatorMachine machine, List<PartialSumArrived> messages)
    {
        List<CoordinatorEffect> effects = [];
        messages.ForEach(message => machine.Handle(message, Timestamp.Zero, effects));
        return effects;
    }

    private static string Update(List<CoordinatorEffect> effects) =>
        string.Join(' ', Assert.Single(effects.OfType<ApplyUpdate>()).Sums);
}
