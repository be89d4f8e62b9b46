using Distributed.Framework.Data;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;

namespace Distributed.Worker.Tests.Compute;

/// <summary>Compute threads give back what they take, and give the bits of one thread.</summary>
public sealed class ComputePoolTests : IDisposable
{
    private static readonly Term s_term = new(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _woken = new(0);
    private readonly ComputeCounters _counters = new();

    private readonly TrainingJob _job;
    private readonly BufferPool _weights;
    private readonly float[] _initial;

    public ComputePoolTests()
    {
        DataOptions data = new() { Limit = 40 };
        PairSource source = DataSources.OpenTraining(data);
        Model model = new(Catalogue.Find("n2n-initial:channels=32", source.Shape.C)!);
        _initial = new float[model.ParameterCount];
        DefaultInitializer.Fill(model, seed: 0, _initial);
        _weights = new BufferPool(model.ParameterCount);
        _job = new TrainingJob(
            new RunConfiguration
            {
                Model = "n2n-initial:channels=32",
                Layers = ModelSpec.Write(Catalogue.Find("n2n-initial:channels=32", source.Shape.C)!),
                Data = data,
                DataHash = source.ContentHash,
                Batch = 23,
                Shard = 2,
                Steps = 10,
                InitialWeightsSha256 = "",
            },
            source);
    }

    public void Dispose() => _woken.Dispose();

    [Fact]
    public async Task Compute_ManyThreads_GivesTheSumsOfOne()
    {
        Dictionary<TreeNode, string> one = await ComputeAsync(threads: 1);
        Dictionary<TreeNode, string> four = await ComputeAsync(threads: 4);
        Assert.Equal(one, four);
        Assert.Equal(0, _job.Gradients.Outstanding);
        Assert.Equal(0, _weights.Outstanding);
    }

    /// <summary>Steps are given up at every moment: before weights are loaded, in mid-shard, at the end.</summary>
    [Fact]
    public async Task BeginStep_OldStepsGivenUp_ComputesTheNewOneAndLeaksNothing()
    {
        Dictionary<TreeNode, string> expected = await ComputeAsync(threads: 1);
        using ComputePool pool = Create(threads: 3);
        for (int i = 0; i < 200; i++)
        {
            pool.BeginStep(s_term, new Step(i % 5), Rent());
            pool.Compute(new ShardRange(0, 5));
            pool.Compute(new ShardRange(6, 9));
            Thread.SpinWait(i * 500);
            if (i % 3 == 0)
            {
                pool.CancelStep();
            }
        }

        pool.BeginStep(s_term, new Step(7), Rent());
        Assert.Equal(expected, await ReadAsync(pool, new Step(7), shards: 0));
        pool.Dispose();
        Assert.Equal(0, _weights.Outstanding);
        Assert.Equal(0, _job.Gradients.Outstanding);
    }

    [Fact]
    public void Dispose_InMidStep_GivesEverythingBack()
    {
        for (int i = 0; i < 20; i++)
        {
            ComputePool pool = Create(threads: 2);
            pool.BeginStep(s_term, new Step(0), Rent());
            pool.Compute(new ShardRange(0, 12));
            Thread.SpinWait(i * 20_000);
            pool.Dispose();
            Assert.Equal(0, _job.Gradients.Outstanding);
            Assert.Equal(0, _weights.Outstanding);
        }
    }

    /// <summary>
    /// Goal: compute threads allocate nothing a step. Method: after some steps, in which buffers and queues grow, the
    /// count rises no more.
    /// </summary>
    [Fact]
    public void Steps_AfterTheFirst_AllocateNothing()
    {
        TrainingJob job = TestJob.Create();
        BufferPool weights = new(job.Gradients.Length);
        using ComputePool pool = new(job, 2, "test", _counters, () => { }, exception => Assert.Fail($"{exception}"));
        long before = 0;
        for (int i = 0; i < 40; i++)
        {
            if (i == 20)
            {
                before = _counters.AllocatedBytes;
            }

            pool.BeginStep(s_term, new Step(i), TestJob.Weights(weights));
            pool.Compute(new ShardRange(0, TestJob.ShardCount));
            for (int shards = 0; shards < TestJob.ShardCount;)
            {
                if (pool.TryTakeCompleted(out CompletedSum sum))
                {
                    shards += sum.ShardCount;
                    sum.Gradient.Dispose();
                }
            }
        }

        Assert.Equal(before, _counters.AllocatedBytes);
    }

    private ComputePool Create(int threads) => new(
        _job, threads, "test", _counters, () => _woken.Release(), exception => Assert.Fail($"{exception}"));

    private PooledBuffer Rent()
    {
        PooledBuffer weights = _weights.Rent();
        _initial.CopyTo(weights.Values.Span);
        return weights;
    }

    private async Task<Dictionary<TreeNode, string>> ComputeAsync(int threads)
    {
        using ComputePool pool = Create(threads);
        pool.BeginStep(s_term, new Step(7), Rent());
        return await ReadAsync(pool, new Step(7), shards: 0);
    }

    /// <summary>Computes shards 1 to 7 of the step at hand; releases sums of other steps.</summary>
    private async Task<Dictionary<TreeNode, string>> ReadAsync(ComputePool pool, Step step, int shards)
    {
        Dictionary<TreeNode, string> sums = [];
        pool.Compute(new ShardRange(1, 8));
        while (shards < 7)
        {
            if (!pool.TryTakeCompleted(out CompletedSum sum))
            {
                Assert.True(await _woken.WaitAsync(s_patience));
                continue;
            }

            if (sum.Step == step)
            {
                shards += sum.ShardCount;
                byte[] bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(sum.Gradient.Values.Span).ToArray();
                sums.Add(sum.Node, $"{sum.Gradient.Loss:R} {Convert.ToHexString(bytes)}");
            }

            sum.Gradient.Dispose();
        }

        return sums;
    }
}
