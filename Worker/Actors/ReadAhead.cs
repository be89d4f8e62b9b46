using Distributed.Framework.Data.Packed;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Actors;

/// <summary>Finds out which blocks of data the next steps will read, so that they are here by then.</summary>
/// <remarks>
/// A sample is a function of step and position, and a worker mostly gets the shards that it got before: their pairs are
/// read for nothing, ahead of time (<see cref="BlockCache.LookAhead"/>). A guess that is wrong costs a wait, no more.
/// </remarks>
/// <param name="job">Which samples belong to a step.</param>
/// <param name="blocks">Of its data.</param>
internal sealed class ReadAhead(TrainingJob job, BlockCache blocks)
{
    /// <summary>How far it looks.</summary>
    private const int StepsMax = 16;

    /// <summary>Blocks that may wait to be fetched ahead: 8 MiB.</summary>
    private const int BlocksMax = 32;

    private readonly float[] _input = new float[job.Source.Shape.Elements];
    private readonly float[] _target = new float[job.Source.TargetShape.Elements];

    /// <summary>What has been looked at of each of the steps, at its number modulo StepsMax.</summary>
    private readonly (int Step, ShardRange Shards)[] _seen = new (int, ShardRange)[StepsMax];
    private int _step;
    private ShardRange _shards;

    /// <summary>A step whose shards are computed now.</summary>
    public void Begin(int step, ShardRange shards) => (_step, _shards) = (step, shards);

    /// <summary>Looks on, as long as not much waits to be fetched.</summary>
    public void GoOn()
    {
        int end = Math.Min(_step + StepsMax, job.Schedule.StepsTotal);
        for (int step = _step; step < end && !blocks.IsComplete && blocks.AheadCount < BlocksMax; step++)
        {
            LookAt(step);
        }
    }

    private void LookAt(int step)
    {
        BatchSlice slice = job.Schedule.At(step);
        ref (int Step, ShardRange Shards) seen = ref _seen[step % StepsMax];
        int count = Math.Min(_shards.End, slice.ShardCount);
        bool isNew = seen.Step != step || seen.Shards.Count == 0;
        for (int shard = _shards.First; shard < count; shard++)
        {
            if (isNew || shard < seen.Shards.First || shard >= seen.Shards.End)
            {
                SampleSpan samples = job.Schedule.ShardSamples(slice, shard);
                BlockCache.LookAhead(() => Read(slice.Epoch, samples));
            }
        }

        seen = isNew
            ? (step, _shards)
            : (step, new ShardRange(
                Math.Min(seen.Shards.First, _shards.First), Math.Max(seen.Shards.End, _shards.End)));
    }

    private void Read(int epoch, SampleSpan samples)
    {
        for (int i = 0; i < samples.Count; i++)
        {
            job.Source.Read(job.Order.At(epoch, samples.First + i), epoch, _input, _target);
        }
    }
}
