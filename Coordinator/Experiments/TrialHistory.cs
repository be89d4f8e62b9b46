using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Experiments;

/// <summary>What the lines of a run's metrics.jsonl say: all lives of a resumed run are in it.</summary>
/// <param name="Epochs">The epochs that have begun; none if there is no file.</param>
/// <param name="Seconds">Wall time of the steps of all lives.</param>
internal sealed record TrialHistory(IReadOnlyList<TrialEpoch> Epochs, double Seconds)
{
    /// <summary>Reads a run's.</summary>
    public static TrialHistory Read(string run)
    {
        IReadOnlyList<StepMetrics> steps = MetricsReader.Read(Path.Combine(run, "metrics.jsonl"));
        return new TrialHistory(Gather(steps), steps is [.., { Seconds: var seconds }] ? seconds : 0);
    }

    /// <summary>Gathers steps to epochs; a validation belongs to the epoch that it follows.</summary>
    public static IReadOnlyList<TrialEpoch> Gather(IReadOnlyList<StepMetrics> steps) =>
    [
        .. steps.GroupBy(step => step.Epoch).Select(epoch => new TrialEpoch(
            epoch.Key,
            epoch.Average(step => step.Loss),
            epoch.LastOrDefault(step => step.Psnr is not null).Psnr,
            epoch.LastOrDefault(step => step.Accuracy is not null).Accuracy,
            epoch.LastOrDefault(step => step.ValidationLoss is not null).ValidationLoss,
            epoch.LastOrDefault(step => step.PsnrEstimated is not null).PsnrEstimated)),
    ];
}
