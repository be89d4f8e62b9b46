using Distributed.Coordinator.Http;

namespace Distributed.Coordinator.Runs;

/// <summary>What is different about a run that is one of many in an experiment.</summary>
/// <remarks>
/// It keeps only what the experiment reads: configuration, metrics, checkpoints, final weights. No events, pictures or
/// report, and no port unless it is to listen. The result does not depend on any of this.
/// </remarks>
/// <param name="KeepsWorkers">Whether workers are to stay for the next trial when this one is finished.</param>
/// <param name="Metrics">Told of all trials, one after the other; null to show nothing of them.</param>
public sealed record TrialOptions(bool KeepsWorkers = false, RunMetrics? Metrics = null)
{
    /// <summary>
    /// Whether nothing is said of where it is and what it reads. It is there for the time of its steps, so they are
    /// recorded as those of a run, events included.
    /// </summary>
    public bool IsSilent { get; init; }
}
