using Distributed.Coordinator.Core;
using Distributed.Framework.Randomness;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;
using static Distributed.Protocol.Messages.WorkerMessage;

namespace Distributed.Coordinator.Tests;

public sealed class AnyDeliveryOrderTests
{
    private static readonly NamedPayload s_poison = new("poison");

    /// <summary>
    /// Goal: the update never depends on the network. Method: deliver the gradient sums of one step in a random order,
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
            (CoordinatorMachine tidy, List<(SessionId From, GradientSum Sum)> messages) =
                StartStep(shardCount, workers);
            string expected = Update(Run(tidy, messages));

            (SessionId from, GradientSum sum) = messages[0];
            GradientSum poison = sum with { Payload = s_poison };
            messages.AddRange([.. Enumerable.Range(0, 4).Select(_ => messages[Draw(messages.Count)])]); // Repeats.
            messages.Add((from, poison with { Term = new Term(0) })); // From an old term.
            messages.Add((from, poison with { Term = new Term(2) })); // From another coordinator.
            messages.Add((from, poison with { Step = new Step(1) })); // For a step that has not begun.
            messages.Add((from, poison with { Node = new TreeNode(Level: 60, Index: 3) })); // No node.
            messages.Add((from, poison with { Node = new TreeNode(Level: 0, Index: -1) })); // No node.
            messages.Add((from, poison with { ShardCount = sum.ShardCount + 1 })); // Another tree.
            messages.Add((new SessionId(99), poison)); // From a stranger.
            if (workers > 1)
            {
                TreeNode other = messages.Find(message => message.From != from).Sum?.Node ?? new TreeNode(-1, 0);
                messages.Add((from, poison with { Node = other })); // Not what it was asked for.
            }

            for (int i = messages.Count - 1; i > 0; i--)
            {
                int j = Draw(i + 1);
                (messages[i], messages[j]) = (messages[j], messages[i]);
            }

            (CoordinatorMachine shuffled, _) = StartStep(shardCount, workers);
            List<CoordinatorOrder> orders = Run(shuffled, messages);
            Assert.True(expected == Update(orders), $"seed {seed}: expected {expected}, got {Update(orders)}");

            // Every payload is passed on or released exactly once.
            int gone = orders.OfType<Release>().Count()
                + orders.OfType<AverageAndStep>().Sum(step => step.Sums.Count);
            Assert.Equal(messages.Count, gone);
        }
    }

    /// <summary>What a worker says about its time is shown to people.</summary>
    [Fact]
    public void Sum_SaysMoreTimeThanThereWas_IsCut()
    {
        (CoordinatorMachine machine, List<(SessionId From, GradientSum Sum)> messages) =
            StartStep(shardCount: 4, workers: 1);
        (SessionId from, GradientSum sum) = Assert.Single(messages);
        List<CoordinatorOrder> orders = [];
        Timestamp now = new(TimeSpan.FromSeconds(1.5));
        machine.Handle(from, sum with { Compute = TimeSpan.FromDays(1000) }, now, orders);
        GradientSum taken = Assert.Single(Assert.Single(orders.OfType<AverageAndStep>()).Sums);
        Assert.Equal(TimeSpan.FromSeconds(1.5), taken.Compute);
    }

    private static (CoordinatorMachine Machine, List<(SessionId From, GradientSum Sum)> Messages) StartStep(
        int shardCount, int workers)
    {
        CoordinatorMachine machine = new(
            new Term(1),
            new Step(0),
            BatchSchedule.ForSteps(samples: shardCount, batch: shardCount, shard: 1, steps: 3),
            new CoordinatorOptions { Version = "1", Numerics = "n", WorkersMin = workers });
        List<CoordinatorOrder> orders = [];
        machine.Handle(new Started(), Timestamp.Zero, orders);
        for (int i = 1; i <= workers; i++)
        {
            machine.Handle(new SessionId(i), new Join("n", "1", "n", Threads: 1, i), Timestamp.Zero, orders);
            machine.Handle(new SessionId(i), new Ready(new Term(1)), Timestamp.Zero, orders);
        }

        ReductionTree tree = new(shardCount);
        List<(SessionId, GradientSum)> messages = [];
        foreach (Send send in orders.OfType<Send>())
        {
            if (send.Message is not CoordinatorMessage.Assign assign)
            {
                continue;
            }

            foreach (TreeNode node in tree.MaximalNodes(assign.Shards))
            {
                ShardRange range = tree.Cover(node);
                GradientSum sum = new(assign.Term, assign.Step, node, range.Count, range.First, default)
                {
                    Payload = new NamedPayload($"#{range.First}"),
                };
                messages.Add((send.To, sum));
            }
        }

        return (machine, messages);
    }

    private static List<CoordinatorOrder> Run(
        CoordinatorMachine machine, List<(SessionId From, GradientSum Sum)> messages)
    {
        List<CoordinatorOrder> orders = [];
        messages.ForEach(message => machine.Handle(message.From, message.Sum, Timestamp.Zero, orders));
        return orders;
    }

    private static string Update(List<CoordinatorOrder> orders) => string.Join(
        ' ', Assert.Single(orders.OfType<AverageAndStep>()).Sums.Select(sum => sum.Payload));
}
