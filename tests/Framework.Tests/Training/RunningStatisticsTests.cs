using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>Running statistics: one update a step, the same for any grouping of shards, kept by checkpoints.</summary>
public sealed class RunningStatisticsTests
{
    private static readonly DataOptions s_data = new() { Source = "synthetic", Limit = 40, Seed = 1 };

    private static Sequential Network =>
        new(new Conv2d(3, 4, 3, padding: 1), new BatchNorm2d(4, momentum: 0.25), new ReLU(), new Conv2d(4, 3, 1));

    /// <summary>A batch of two shards: the running mean takes in the mean of the shards', by samples.</summary>
    [Fact]
    public void Apply_TwoShards_MovesTheAveragesOnce()
    {
        TrainingJob job = Job(batch: 20, shard: 12);
        TrainingState state = Start(job);
        float[] before = state.Parameters.Values.Span.ToArray();
        float[] sums = Step(job, state, 0);
        for (int i = job.Model.ParameterCount; i < job.Model.StateCount; i++)
        {
            double expected = (0.75 * before[i]) + (0.25 * sums[i] / 20);
            Assert.Equal(expected, state.Parameters.Values.Span[i], 1e-6 + Math.Abs(expected * 1e-6));
            Assert.NotEqual(before[i], state.Parameters.Values.Span[i]);
        }
    }

    [Fact]
    public void Checkpoint_OfAModelWithBuffers_GivesTheSameStateBack()
    {
        TrainingJob job = Job(batch: 20, shard: 10);
        TrainingState state = Start(job);
        Step(job, state, 0);
        using TemporaryCheckpoint file = new();
        CheckpointSnapshot snapshot = new(TrainingCheckpoint.Layout(job.Model, state));
        TrainingCheckpoint.Fill(snapshot, job.Model, state, 1);
        Checkpoint written = snapshot.ToCheckpoint("{}");
        AtomicFile.Write(file.Path, stream => CheckpointFile.Write(stream, written));
        Checkpoint read = CheckpointFile.Read(file.Path);

        float[] expected = state.Parameters.Values.Span.ToArray();
        Assert.Equal(["1.running_mean", "1.running_var"], read.Buffers.Select(buffer => buffer.Name));
        Assert.Equal(expected, TrainingCheckpoint.Parameters(read, job.Model));
        Assert.Equal(written.WeightsSha256(), read.WeightsSha256());

        // A checkpoint also serves as a file of weights.
        float[] loaded = new float[job.Model.StateCount];
        StateDict.Read(file.Path).CopyTo(job.Model, loaded);
        Assert.Equal(expected, loaded);
        Assert.Equal(
            ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias", "1.running_mean", "1.running_var"],
            TrainingCheckpoint.Tensors(job.Model, expected).Select(tensor => tensor.Name));
    }

    [Theory]
    [InlineData(20, 7)]
    [InlineData(7, 20)]
    public void Job_ShardOfFewSamples_IsRefusedByName(int batch, int shard)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Job(batch, shard));
        Assert.Contains($"shard {shard}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("at least 8", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultShard_OfAModelWithBatchNorm_IsLargeEnough()
    {
        Assert.Equal(8, Catalogue.DefaultShard("model.json", Network));
        Assert.Equal(2, Catalogue.DefaultShard("model.json", new Sequential(new ReLU())));
    }

    [Fact]
    public void Training_WithBatchNorm_LearnsAndEvaluatesWithRunningStatistics()
    {
        TrainingJob job = Job(batch: 20, shard: 10);
        TrainingState state = Start(job);
        double first = 0;
        double last = 0;
        for (int step = 0; step < 60; step++)
        {
            Step(job, state, step, out last);
            first = step == 0 ? last : first;
        }

        Replica replica = job.Plan.CreateReplica();
        replica.Load(state.Parameters.Values.Span);
        Evaluation evaluation = Evaluator.Evaluate(job.Plan, replica, job.Source, threads: 1);

        // The training loss is that of the shards' own statistics, on the same images.
        Assert.InRange(last, 0, first / 10);
        Assert.InRange(evaluation.MeanSquaredError, last / 2, last * 2);
    }

    private static TrainingJob Job(int batch, int shard)
    {
        PairSource source = DataSources.OpenTraining(s_data);
        return new TrainingJob(
            new RunConfiguration
            {
                Model = "test",
                Layers = ModelSpec.Write(Network),
                Data = s_data,
                DataHash = source.ContentHash,
                Batch = batch,
                Shard = shard,
                Steps = 100,
                InitialWeightsSha256 = "",
            },
            source);
    }

    private static TrainingState Start(TrainingJob job)
    {
        float[] initial = new float[job.Model.StateCount];
        job.Model.InitializeBuffers(initial);
        Framework.Initializers.DefaultInitializer.Fill(job.Model, 1, initial);
        return new TrainingState(initial, new Adam(job.Model.ParameterCount), job.Model.Buffers);
    }

    /// <summary>One step; gives the gradient of the batch.</summary>
    private static float[] Step(TrainingJob job, TrainingState state, int step) =>
        Step(job, state, step, out _);

    private static float[] Step(TrainingJob job, TrainingState state, int step, out double loss)
    {
        Replica replica = job.Plan.CreateReplica();
        replica.Load(state.Parameters.Values.Span);
        GradientComputer computer = job.CreateGradientComputer();
        BatchSlice slice = job.Schedule.At(step);
        state.Begin(slice.ShardCount);
        PooledBuffer? total = null;
        for (int shard = slice.ShardCount - 1; shard >= 0; shard--)
        {
            PooledBuffer sum = job.Gradients.Rent();
            computer.Compute(replica, step, slice.Epoch, job.Schedule.ShardSamples(slice, shard), sum);
            total = state.Add(new TreeNode(0, shard), sum);
        }

        loss = total!.Loss / job.Divisor(slice.Count);
        float[] gradient = total!.Values.Span.ToArray();
        state.Step(total, job.Divisor(slice.Count), 0.01, slice.Count);
        return gradient;
    }

    private sealed class TemporaryCheckpoint : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("running-statistics");

        public string Path => System.IO.Path.Combine(_folder.FullName, "step-00000001.safetensors");

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
