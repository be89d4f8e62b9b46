using Distributed.Framework.Training;

namespace Distributed.Coordinator.Actors;

/// <summary>How far a run is, after a step.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="StepsTotal">Updates of the whole run.</param>
/// <param name="Epoch">Passes over the data done, with the part of the current one.</param>
/// <param name="Loss">Of the last step: the mean, or the sum if the reduction is a sum.</param>
/// <param name="ImagesPerSecond">Training samples over the wall time of the steps, lately.</param>
/// <param name="Workers">Workers that take part.</param>
/// <param name="RecomputedShards">Shards that were given out more than once so far.</param>
public readonly record struct StepProgress(
    int Step,
    int StepsTotal,
    double Epoch,
    double Loss,
    double ImagesPerSecond,
    int Workers,
    long RecomputedShards);

/// <summary>Shows a run to people. Calls come from one thread at a time and must not block for long.</summary>
public interface ITrainingDisplay
{
    /// <summary>Something worth a line: where the run is, a worker that was lost, a damaged checkpoint.</summary>
    void Note(string line);

    /// <summary>A step is done. Called for every step: showing is throttled by the display.</summary>
    void OnStep(in StepProgress progress);

    /// <summary>The parameters after a step were validated.</summary>
    void OnValidated(int step, Evaluation evaluation);
}
