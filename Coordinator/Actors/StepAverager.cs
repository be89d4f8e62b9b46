using Distributed.Coordinator.Core;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;

namespace Distributed.Coordinator.Actors;

/// <summary>Adds up the sums of a step, averages and steps, and tells the journal of it.</summary>
/// <param name="settings">The run's job and its state.</param>
/// <param name="machine">Knows who takes part.</param>
/// <param name="journal">Told of the steps.</param>
internal sealed class StepAverager(CoordinatorSettings settings, CoordinatorMachine machine, JournalLink journal)
{
    private readonly TrainingJob _job = settings.Job;
    private readonly TrainingState _state = settings.State;
    private readonly StepClock _clock = new(settings.Traffic);

    /// <summary>Shards of a step are assigned.</summary>
    public void OnAssigned(Step step) => _clock.OnAssigned(step);

    /// <summary>Takes a step.</summary>
    /// <param name="order">The sums, which cover every shard; they are released.</param>
    /// <param name="now">When it is.</param>
    /// <returns>Null; or why no weight was changed.</returns>
    public string? AverageAndStep(AverageAndStep order, Timestamp now)
    {
        _clock.OnComplete();
        int step = order.Step.Value;
        BatchSlice slice = _job.Schedule.At(step);
        PooledBuffer? total = null;
        _state.Begin(slice.ShardCount);
        foreach (WorkerMessage.GradientSum sum in order.Sums)
        {
            PooledBuffer gradient = (PooledBuffer)sum.Payload!;
            gradient.Loss = sum.Loss; // From another process it comes beside the floats.
            _clock.OnComputed(sum.Compute);
            total = _state.Add(sum.Node, gradient);
        }

        Invariant.Assert(total is not null, "The sums of a step cover every shard.");
        _clock.OnAdded();
        if (!GradientArithmetic.IsFinite(total))
        {
            string why = $"the loss is {total.Loss:G4} or its gradient is not finite";
            total.Dispose();
            return why;
        }

        double divisor = _job.Divisor(slice.Count);
        double loss = total.Loss / divisor;
        _state.Step(total, divisor, _job.LearningRate(step), slice.Count);
        journal.Add(
            new StepResult(
                step + 1,
                slice,
                loss,
                _clock.OnStepped(),
                machine.WorkersReady,
                machine.RecomputedShards,
                machine.DiscardedSums),
            now);
        return null;
    }
}
