namespace Distributed.Coordinator.Runs;

/// <summary>What is different about a run that is one of many in an experiment.</summary>
/// <remarks>
/// It keeps only what the experiment reads: configuration, metrics, checkpoints, final weights. No events, pictures or
/// report, and no port unless it is to listen. The result does not depend on any of this.
/// </remarks>
/// <param name="Secrets">Folder of tokens and certificate, the same for all trials; null for the run's own.</param>
/// <param name="KeepsWorkers">Whether workers are to stay for the next trial when this one is finished.</param>
public sealed record TrialOptions(
    string? Secrets = null, bool KeepsWorkers = false);
