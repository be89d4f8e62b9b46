namespace Distributed.Framework.Training;

/// <summary>The samples of one step: positions in the shuffled order of its epoch.</summary>
/// <param name="Epoch">0-based.</param>
/// <param name="First">First position within the epoch.</param>
/// <param name="Count">Samples of the step; the last batch of an epoch may be short.</param>
/// <param name="ShardCount">Shards of the step; the last one may be short.</param>
public readonly record struct BatchSlice(int Epoch, int First, int Count, int ShardCount);

/// <summary>A run of positions within an epoch.</summary>
public readonly record struct SampleSpan(int First, int Count);

/// <summary>
/// Which samples belong to which step and shard: a function of the configuration, the same for everybody.
/// </summary>
/// <remarks>The data position follows from the step, so a checkpoint keeps none.</remarks>
public sealed record BatchSchedule
{
    private BatchSchedule(int samples, int batch, int shard, int stepsTotal)
    {
        Samples = samples;
        Batch = batch;
        Shard = shard;
        StepsTotal = stepsTotal;
    }

    /// <summary>Samples of an epoch.</summary>
    public int Samples { get; }

    /// <summary>Samples of a full batch; at most <see cref="Samples"/>.</summary>
    public int Batch { get; }

    /// <summary>Samples of a full shard; at most <see cref="Batch"/>.</summary>
    public int Shard { get; }

    /// <summary>Steps of the whole run.</summary>
    public int StepsTotal { get; }

    /// <summary>Steps of an epoch, the short one included.</summary>
    public int StepsPerEpoch => ((Samples - 1) / Batch) + 1;

    /// <summary>Shards of a full batch: the most that any step has.</summary>
    public int ShardCountMax => ((Batch - 1) / Shard) + 1;

    /// <summary>A run of so many steps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Something is below 1 (steps: below 0), or a batch has too many shards.
    /// </exception>
    public static BatchSchedule ForSteps(int samples, int batch, int shard, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shard, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        batch = Math.Min(batch, samples);
        BatchSchedule schedule = new(samples, batch, Math.Min(shard, batch), steps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            schedule.ShardCountMax, ReductionTree.ShardCountMax, nameof(shard));
        return schedule;
    }

    /// <summary>A run of so many passes over the data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">As ForSteps, or more than 2^31 - 1 steps.</exception>
    public static BatchSchedule ForEpochs(int samples, int batch, int shard, int epochs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epochs);
        long steps = (long)ForSteps(samples, batch, shard, steps: 0).StepsPerEpoch * epochs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, int.MaxValue, nameof(epochs));
        return ForSteps(samples, batch, shard, (int)steps);
    }

    /// <summary>The samples of a step (0-based: the number of updates done before it).</summary>
    public BatchSlice At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        int epoch = Math.DivRem(step, StepsPerEpoch, out int stepOfEpoch);
        int first = stepOfEpoch * Batch;
        int count = Math.Min(Batch, Samples - first);
        return new BatchSlice(epoch, first, count, ((count - 1) / Shard) + 1);
    }

    /// <summary>The samples of one shard of a step.</summary>
    public SampleSpan ShardSamples(BatchSlice slice, int shard)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shard);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shard, slice.ShardCount);
        int offset = shard * Shard;
        return new SampleSpan(slice.First + offset, Math.Min(Shard, slice.Count - offset));
    }

    /// <summary>Whether that many updates end an epoch.</summary>
    public bool EndsEpoch(int stepsDone) => stepsDone > 0 && stepsDone % StepsPerEpoch == 0;
}
