using Distributed.Framework.Data;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;

namespace Distributed.Worker.Tests.Compute;

/// <summary>Compute threads give back what they take, and give the bits of one thread.</summary>
public sealed class ComputePoolTests
{
    private static readonly Term s_term = new(1);

    private readonly TrainingJob _job;
    private readonly BufferPool _parameters;
    private readonly float[] _initial;

    public ComputePoolTests()
    {
        DataOptions data = new() { Limit = 40 };
        PairSource source = DataSources.OpenTraining(data);
        Model model = new(Catalogue.Find("n2n-initial:channels=32", source.Shape.C)!);
        _initial = new float[model.ParameterCount];
        DefaultInitializer.Fill(model, seed: 0, _initial);
        _parameters = new BufferPool(model.ParameterCount);
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

    [Fact]
    public async Task Compute_ManyThreads_GivesTheSumsOfOne()
    {
        Dictionary<TreeNode, string> one = await ComputeAsync(threads: 1);
        Dictionary<TreeNode, string> four = await ComputeAsync(threads: 4);
        Assert.Equal(one, four);
        Assert.Equal(0, _job.Gradients.Outstanding);
        Assert.Equal(0, _parameters.Outstanding);
    }

    /// <summary>Steps are given up at every moment: before parameters are loaded, in mid-shard, at the end.</summary>
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
        Assert.Equal(0, _parameters.Outstanding);
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
            while (pool.Completed.TryRead(out CompletedSum sum))
            {
                sum.Gradient.Dispose();
            }

            Assert.Equal(0, _job.Gradients.Outstanding);
            Assert.Equal(0, _parameters.Outstanding);
        }
    }

    private ComputePool Create(int threads) => new(_job, threads, "test", exception => Assert.Fail($"{exception}"));

    private PooledBuffer Rent()
    {
        PooledBuffer parameters = _parameters.Rent();
        _initial.CopyTo(parameters.Values.Span);
        return parameters;
    }

    private async Task<Dictionary<TreeNode, string>> ComputeAsync(int threads)
    {
        using ComputePool pool = Create(threads);
        pool.BeginStep(s_term, new Step(7), Rent());
        return await ReadAsync(pool, new Step(7), shards: 0);
    }

    /// <summary>Computes shards 1 to 7 of the step at hand; lets sums of other steps go.</summary>
    private static async Task<Dictionary<TreeNode, string>> ReadAsync(ComputePool pool, Step step, int shards)
    {
        Dictionary<TreeNode, string> sums = [];
        pool.Compute(new ShardRange(1, 8));
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        while (shards < 7)
        {
            CompletedSum sum = await pool.Completed.ReadAsync(patience.Token);
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
