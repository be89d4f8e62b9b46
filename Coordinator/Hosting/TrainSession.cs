using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Hosting.Runs;

namespace Distributed.Coordinator.Hosting;

/// <summary>What a training run came to.</summary>
/// <param name="Summary">Numbers at the end.</param>
/// <param name="IsStopped">Whether it was stopped before its last step; everything is saved.</param>
/// <param name="InputPsnr">PSNR of the noisy validation inputs themselves; null without validation.</param>
/// <param name="PreviewPath">The last preview; null if there is none.</param>
public sealed record TrainResult(RunSummary Summary, bool IsStopped, double? InputPsnr, string? PreviewPath);

/// <summary>Trains in this process, with local workers.</summary>
public static class TrainSession
{
    /// <summary>Trains until all steps are done or <paramref name="stop"/> asks to save and end.</summary>
    public static Task<TrainResult> RunAsync(TrainOptions options, ITrainingDisplay display, CancellationToken stop) =>
        throw new NotSupportedException("Training is not part of this build.");
}
