using Distributed.Framework.Training;

namespace Distributed.Coordinator.Actors;

/// <summary>One step as it was done.</summary>
/// <param name="Steps">Updates done, this one included.</param>
/// <param name="Slice">Its samples.</param>
/// <param name="Loss">Mean over the batch, or the sum if the reduction is a sum.</param>
/// <param name="Times">Where its time went.</param>
/// <param name="Workers">Workers that take part.</param>
/// <param name="RecomputedShards">Shards given out more than once so far.</param>
public readonly record struct StepResult(
    int Steps, BatchSlice Slice, double Loss, StepTimes Times, int Workers, long RecomputedShards);

/// <summary>What is done around the steps of a run: recording, validating, saving.</summary>
public interface ITrainingObserver
{
    /// <summary>Something worth a line. Any thread.</summary>
    void Note(string line);

    /// <summary>A step is done. The update thread.</summary>
    void OnStep(in StepResult result);

    /// <summary>Measures the current parameters; training waits. The update thread.</summary>
    void Validate(TrainingState state, int steps);

    /// <summary>Copies the state before it returns, and writes it beside training. The mailbox's thread.</summary>
    /// <exception cref="IOException">In the task: the disk is full or failed.</exception>
    Task SaveAsync(TrainingState state, int steps);
}
