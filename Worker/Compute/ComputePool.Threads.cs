using System.Diagnostics;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Compute;

/// <summary>What a compute thread does from its start to its end.</summary>
public sealed partial class ComputePool
{
    private void Run()
    {
        try
        {
            GradientComputer computer = _job.CreateGradientComputer();
            long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            while (DoNext(computer))
            {
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                if (allocated != allocatedBefore)
                {
                    _counters.AddAllocated(allocated - allocatedBefore);
                    allocatedBefore = allocated;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The data are given up: the worker ends, or goes over to another job and another pool.
        }
        catch (Exception exception)
        {
            _onError(exception);
        }
    }

    /// <summary>Waits for something to do and does it; false at the end.</summary>
    private bool DoNext(GradientComputer computer)
    {
        ShardRangeWork? range = null;
        PooledBuffer? weights = null;
        int part = 0;
        int shard = 0;
        int generation;
        int step;
        int epoch;
        SampleSpan samples = default;
        lock (_lock)
        {
            // Weights come first: shards need all parts in the replica. A thread that finds nothing spins once, looks
            // again, since something may have come meanwhile, and only then sleeps.
            for (bool hasSpun = false;
                !_isStopping && !TryTakePart(out weights, out part) && !TryTakeShard(out range, out shard);
                hasSpun = !hasSpun)
            {
                if (hasSpun)
                {
                    Monitor.Wait(_lock);
                }
                else
                {
                    SpinUntilWoken();
                }
            }

            if (_isStopping)
            {
                return false;
            }

            // What is read outside of the lock is copied: the next step may begin while this shard is computed.
            generation = _generation;
            step = _step.Value;
            epoch = _slice.Epoch;
            samples = range is null ? default : _job.Schedule.ShardSamples(_slice, shard);
        }

        if (weights is not null)
        {
            LoadPart(weights, part, generation);
            return true;
        }

        PooledBuffer sum = _job.Gradients.Rent();
        long began = Stopwatch.GetTimestamp();
        try
        {
            computer.Compute(_replica, step, epoch, samples, sum);
        }
        catch
        {
            sum.Dispose();
            throw;
        }

        Interlocked.Add(ref _computeTicks, Stopwatch.GetTimestamp() - began - BlockCache.TakeWaitedTicks());
        Finish(range!, shard, generation, sum);
        return true;
    }
}
