using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>What a run came to.</summary>
/// <param name="Summary">The numbers.</param>
/// <param name="IsStopped">Whether the user stopped it before its last step.</param>
/// <param name="InputPsnr">PSNR of the noisy validation images themselves; null without clean ones.</param>
/// <param name="PreviewPath">The last picture; null if there is none.</param>
public sealed record TrainResult(RunSummary Summary, bool IsStopped, double? InputPsnr, string? PreviewPath)
{
    /// <summary>Whether PSNR was estimated from noisy pairs, for lack of clean images.</summary>
    public bool IsEstimated { get; init; }

    /// <summary>Whole pictures that the figures are of; null if they are of windows, or there are none.</summary>
    public int? Pictures { get; init; }

    /// <summary>PSNR of the noisy validation images, estimated as well; null with clean ones.</summary>
    public double? InputPsnrEstimated { get; init; }
}

/// <summary>A picture of what a model does, and where it is.</summary>
/// <param name="Path">The file.</param>
/// <param name="Png">Its bytes.</param>
public sealed record Preview(string Path, byte[] Png);

/// <summary>What one life of a run measured while it trained.</summary>
public sealed record TrainRecord
{
    /// <summary>Whether the user stopped it before its last step.</summary>
    public required bool IsStopped { get; init; }

    /// <summary>Whether that was for all: nobody goes on with it unasked.</summary>
    public bool IsStoppedForAll { get; init; }

    /// <summary>Updates done, those of earlier lives included.</summary>
    public required int StepsDone { get; init; }

    /// <summary>Loss of the last step; null before one.</summary>
    public double? LastLoss { get; init; }

    /// <summary>Training samples over the wall time of the steps.</summary>
    public double ImagesPerSecond { get; init; }

    /// <summary>Wall time of the steps.</summary>
    public TimeSpan StepTime { get; init; }

    /// <summary>Workers in the last step.</summary>
    public int Workers { get; init; }

    /// <summary>Shards that were given out more than once.</summary>
    public long RecomputedShards { get; init; }

    /// <summary>Where the time of a step went; null before one.</summary>
    public StepMeans? StepMeans { get; init; }

    /// <summary>What the last validation said; null before one.</summary>
    public Evaluation? LastEvaluation { get; init; }

    /// <summary>The newest picture; null before one.</summary>
    public Preview? LastPreview { get; init; }
}
