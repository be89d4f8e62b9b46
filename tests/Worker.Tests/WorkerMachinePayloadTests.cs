using System.Buffers;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Worker.Tests;

public sealed class WorkerMachinePayloadTests
{
    private static readonly Term s_term = new(3);

    /// <summary>
    /// Goal: no buffer leaks or is given back twice. Method: random reports and messages in any order, each payload a
    /// new object; every one of them must come out in exactly one order.
    /// </summary>
    [Fact]
    public void RandomSequence_EveryPayload_IsPassedOnOrReleasedOnce()
    {
        for (int seed = 1; seed <= 500; seed++)
        {
            Random random = new(seed);
            WorkerMachine machine = new(new WorkerOptions { Identity = new WorkerMessage.Join("w", "1", "n", 2, 7) });
            List<IMemoryOwner<float>> payloads = [];
            List<WorkerOrder> orders = [];
            TimeSpan now = TimeSpan.Zero;
            machine.Handle(
                seed % 2 == 0 ? new Started() : new Engaged(s_term, new SessionId(5)), new Timestamp(now), orders);
            for (int i = 0; i < 100; i++)
            {
                now += TimeSpan.FromSeconds(random.Next(100) < 97 ? 0.1 * random.Next(5) : 20);
                HandleRandom(machine, random, payloads, new Timestamp(now), orders);
            }

            IMemoryOwner<float>[] passed = [.. orders.Select(order => order switch
            {
                WorkerOrder.BeginStep begin => begin.Weights.Payload,
                WorkerOrder.Send send => send.Message.Payload,
                WorkerOrder.Release release => release.Payload,
                _ => null,
            }).OfType<IMemoryOwner<float>>()];
            Assert.True(payloads.SequenceEqual(passed), $"seed {seed}: {payloads.Count} in, {passed.Length} out");
        }
    }

    private static void HandleRandom(
        WorkerMachine machine,
        Random random,
        List<IMemoryOwner<float>> payloads,
        Timestamp now,
        List<WorkerOrder> orders)
    {
        Step step = new(random.Next(4));
        Term term = random.Next(20) == 0 ? new Term(2) : s_term;
        int first = random.Next(6);
        int kind = random.Next(100);
        if (kind < 60)
        {
            NamedPayload payload = new($"{payloads.Count}");
            payloads.Add(payload);
            if (kind < 30)
            {
                machine.Handle(new CoordinatorMessage.Weights(term, step) { Payload = payload }, now, orders);
            }
            else
            {
                machine.Handle(new SumCompleted(Sum(term, step) with { Payload = payload }), now, orders);
            }
        }
        else if (kind < 80)
        {
            ShardRange shards = new(first, first + random.Next(4));
            machine.Handle(new CoordinatorMessage.Assign(term, step, shards), now, orders);
        }
        else if (kind < 90)
        {
            machine.Handle(
                new CoordinatorMessage.Welcome(s_term, new SessionId(5), "plan", TimeSpan.FromSeconds(1)), now, orders);
        }
        else
        {
            WorkerReport[] reports =
            [
                new Connected(), new Connected(), new Prepared(s_term), new Prepared(s_term), new ConnectionLost("why"),
                new CoordinatorHeard(), new Tick(), new Tick(), new Tick(),
                random.Next(10) == 0 ? new DrainRequested() : new Tick(),
            ];
            machine.Handle(reports[kind - 90], now, orders);
        }
    }

    private static WorkerMessage.GradientSum Sum(Term term, Step step) =>
        new(term, step, new TreeNode(2, 0), 4, Loss: 2, TimeSpan.Zero);
}

/// <summary>A payload that tests recognize.</summary>
internal sealed class NamedPayload(string name) : IMemoryOwner<float>
{
    public Memory<float> Memory => default;

    public void Dispose()
    {
    }

    public override string ToString() => name;
}
