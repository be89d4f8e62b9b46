using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Trains within one process, on a few threads, without actors.</summary>
/// <remarks>
/// The same shards in the same tree as the distributed run, hence the same bits. One caller at a time.
/// </remarks>
public sealed class LocalTrainer
{
    private readonly TrainingJob _job;
    private readonly TrainingState _state;
    private readonly Replica _replica;
    private readonly GradientComputer[] _computers;
    private readonly Lock _lock = new();

    /// <summary>Gets ready.</summary>
    /// <param name="job">What to train on what.</param>
    /// <param name="state">The parameters, which change with every step.</param>
    /// <param name="threads">Shards at once; at least 1.</param>
    public LocalTrainer(TrainingJob job, TrainingState state, int threads)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _job = job;
        _state = state;
        _replica = job.Plan.CreateReplica();
        _computers = [.. Enumerable.Range(0, threads).Select(_ => job.CreateGradientComputer())];
    }

    /// <summary>Does one step.</summary>
    /// <param name="step">0-based: the number of steps done before.</param>
    /// <returns>The step's loss before the update: a mean, or a sum, as configured.</returns>
    /// <exception cref="TrainingException">The loss or the gradient is not finite.</exception>
    public double Step(int step)
    {
        BatchSlice slice = _job.Schedule.At(step);
        _replica.Load(_state.Parameters.Values.Span);
        _state.Begin(slice.ShardCount);
        PooledBuffer? total = null;
        int next = -1;
        Parallel.For(0, _computers.Length, new ParallelOptions { MaxDegreeOfParallelism = _computers.Length }, index =>
        {
            for (int shard = Interlocked.Increment(ref next);
                shard < slice.ShardCount;
                shard = Interlocked.Increment(ref next))
            {
                PooledBuffer sum = _job.Gradients.Rent();
                _computers[index].Compute(
                    _replica, step, slice.Epoch, _job.Schedule.ShardSamples(slice, shard), sum);
                lock (_lock)
                {
                    total = _state.Add(new TreeNode(0, shard), sum) ?? total;
                }
            }
        });
        if (!GradientArithmetic.IsFinite(total!))
        {
            total!.Dispose();
            throw new TrainingException(
                $"Step {step}: the loss or its gradient is not finite.",
                "Lower the learning rate, or look at the data.");
        }

        double divisor = _job.Divisor(slice.Count);
        double loss = total!.Loss / divisor;
        _state.Step(total, divisor, _job.LearningRate(step), slice.Count);
        return loss;
    }
}
