using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Experiments;

/// <summary>Epoch by epoch, from the lines of a run's metrics.jsonl: all lives of a resumed run are in it.</summary>
internal static class CellHistory
{
    /// <summary>The epochs that have begun; none if there is no file.</summary>
    public static IReadOnlyList<CellEpoch> Read(string run) => Epochs(Lines(run));

    /// <summary>Wall time of the steps of all lives.</summary>
    public static double Seconds(string run) => Lines(run) is [.., { Seconds: var seconds }] ? seconds : 0;

    /// <summary>Gathers steps to epochs; a validation belongs to the epoch that it follows.</summary>
    public static IReadOnlyList<CellEpoch> Epochs(IReadOnlyList<StepMetrics> steps) =>
    [
        .. steps.GroupBy(step => step.Epoch).Select(epoch => new CellEpoch(
            epoch.Key,
            epoch.Average(step => step.Loss),
            epoch.LastOrDefault(step => step.Psnr is not null).Psnr,
            epoch.LastOrDefault(step => step.Accuracy is not null).Accuracy,
            epoch.LastOrDefault(step => step.ValidationLoss is not null).ValidationLoss,
            epoch.LastOrDefault(step => step.PsnrEstimated is not null).PsnrEstimated)),
    ];

    private static IReadOnlyList<StepMetrics> Lines(string run) =>
        MetricsReader.Read(Path.Combine(run, "metrics.jsonl"));
}
