using System.Diagnostics;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Coordinator.Actors;

/// <summary>Where the time of a step went, as the coordinator sees it.</summary>
/// <param name="Total">From the first assignment to the end of the step: the three that follow, together.</param>
/// <param name="Wait">From the first assignment until the last sum was here.</param>
/// <param name="Sum">Adding up the sums of the workers.</param>
/// <param name="Update">The optimizer.</param>
/// <param name="Compute">In shards, over all threads of all workers; reported since the last step.</param>
/// <param name="BytesIn">Read from links since the last step; none of workers in this process.</param>
/// <param name="BytesOut">Written to links since the last step.</param>
internal readonly record struct StepTimes(
    TimeSpan Total, TimeSpan Wait, TimeSpan Sum, TimeSpan Update, TimeSpan Compute, long BytesIn, long BytesOut)
{
    /// <summary>Two steps together.</summary>
    public static StepTimes operator +(in StepTimes a, in StepTimes b) => new(
        a.Total + b.Total,
        a.Wait + b.Wait,
        a.Sum + b.Sum,
        a.Update + b.Update,
        a.Compute + b.Compute,
        a.BytesIn + b.BytesIn,
        a.BytesOut + b.BytesOut);

    /// <summary>So many steps together, as a mean of each.</summary>
    public StepMeans MeansOver(int steps) => new(
        Total.TotalMilliseconds / steps,
        Wait.TotalMilliseconds / steps,
        Sum.TotalMilliseconds / steps,
        Update.TotalMilliseconds / steps,
        Compute.TotalMilliseconds / steps,
        (double)BytesIn / steps,
        (double)BytesOut / steps);
}

/// <summary>One step as it was done.</summary>
/// <param name="Steps">Updates done, this one included.</param>
/// <param name="Slice">Its samples.</param>
/// <param name="Loss">Mean over the batch, or the sum if the reduction is a sum.</param>
/// <param name="Times">Where its time went.</param>
/// <param name="Workers">Workers that take part.</param>
/// <param name="RecomputedShards">Shards given out more than once so far.</param>
/// <param name="DiscardedSums">Sums that did not count so far.</param>
internal readonly record struct StepResult(
    int Steps,
    BatchSlice Slice,
    double Loss,
    StepTimes Times,
    int Workers,
    long RecomputedShards,
    long DiscardedSums);

/// <summary>Takes the times of one step after the other. Decides nothing.</summary>
internal sealed class StepClock(ChannelTraffic traffic)
{
    private Step _step = new(-1);
    private long _began;
    private long _complete;
    private long _added;
    private TimeSpan _compute;
    private long _bytesIn = -1;
    private long _bytesOut;

    /// <summary>Shards are assigned; counts once a step.</summary>
    public void OnAssigned(Step step)
    {
        if (step == _step)
        {
            return;
        }

        if (_bytesIn < 0)
        {
            // What the first workers got before the first step, such as the data, belongs to no step.
            (_bytesIn, _bytesOut) = (traffic.Received, traffic.Sent);
        }

        _step = step;
        _began = Stopwatch.GetTimestamp();
    }

    /// <summary>A sum that counts took so long in shards.</summary>
    public void OnComputed(TimeSpan time) => _compute += time;

    /// <summary>All sums of the step are here.</summary>
    public void OnComplete() => _complete = Stopwatch.GetTimestamp();

    /// <summary>They are added up.</summary>
    public void OnAdded() => _added = Stopwatch.GetTimestamp();

    /// <summary>The optimizer's step is done: the times of the step.</summary>
    public StepTimes OnStepped()
    {
        long now = Stopwatch.GetTimestamp();
        (long bytesIn, long bytesOut) = (traffic.Received, traffic.Sent);
        StepTimes times = new(
            Stopwatch.GetElapsedTime(_began, now),
            Stopwatch.GetElapsedTime(_began, _complete),
            Stopwatch.GetElapsedTime(_complete, _added),
            Stopwatch.GetElapsedTime(_added, now),
            _compute,
            bytesIn - _bytesIn,
            bytesOut - _bytesOut);
        _compute = TimeSpan.Zero;
        (_bytesIn, _bytesOut) = (bytesIn, bytesOut);
        return times;
    }
}
