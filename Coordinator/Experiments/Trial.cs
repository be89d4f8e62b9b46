namespace Distributed.Coordinator.Experiments;

/// <summary>One training of an experiment.</summary>
/// <param name="Name">Tells it from the others; also the name of its folder.</param>
/// <param name="Arguments">Options as <c>train</c> takes them, the seed among them.</param>
/// <param name="Configuration">Trials of one configuration differ in their seed only: the table has their mean.</param>
/// <param name="ValidatesEachEpoch">Whether the curve of the validation is wanted.</param>
internal sealed record Trial(
    string Name, IReadOnlyList<string> Arguments, string Configuration, bool ValidatesEachEpoch = false);

/// <summary>What became of a trial.</summary>
internal enum TrialStatus
{
    /// <summary>All steps are done.</summary>
    Done,

    /// <summary>The loss is not finite any more. The same options would give the same again.</summary>
    Diverged,

    /// <summary>It could not be run; it is tried again the next time.</summary>
    Failed,

    /// <summary>The user stopped the experiment before its end.</summary>
    Stopped,
}

/// <summary>One epoch of a trial.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">Training loss, mean over the epoch's steps.</param>
/// <param name="Psnr">Validation PSNR at its end, in dB; null if it was not measured.</param>
/// <param name="Accuracy">Validation accuracy at its end, 0 to 1; null if it was not measured.</param>
/// <param name="ValidationLoss">Mean over the validation data at its end; null if it was not measured.</param>
/// <param name="PsnrEstimated">As <paramref name="Psnr"/>, but estimated from noisy pairs.</param>
internal sealed record TrialEpoch(
    int Epoch,
    double Loss,
    double? Psnr,
    double? Accuracy = null,
    double? ValidationLoss = null,
    double? PsnrEstimated = null);

/// <summary>A trial and what it came to.</summary>
internal sealed record TrialResult
{
    /// <summary>Which one.</summary>
    public required Trial Trial { get; init; }

    /// <summary>What became of it; the numbers below are there if it is done.</summary>
    public required TrialStatus Status { get; init; }

    /// <summary>Why it is not done; null if it is.</summary>
    public string? Cause { get; init; }

    /// <summary>Its run folder.</summary>
    public string Run { get; init; } = "";

    /// <summary>Updates done.</summary>
    public long Steps { get; init; }

    /// <summary>Training loss, mean over the last epoch.</summary>
    public double? Loss { get; init; }

    /// <summary>Validation PSNR over the global error, in dB.</summary>
    public double? Psnr { get; init; }

    /// <summary>Mean of the validation images' PSNR, in dB.</summary>
    public double? PsnrMeanPerImage { get; init; }

    /// <summary>Validation PSNR in dB, estimated from noisy pairs for lack of clean images.</summary>
    public double? PsnrEstimated { get; init; }

    /// <summary>PSNR of the noisy validation images themselves, in dB.</summary>
    public double? InputPsnr { get; init; }

    /// <summary>As <see cref="InputPsnr"/>, but estimated from noisy pairs for lack of clean images.</summary>
    public double? InputPsnrEstimated { get; init; }

    /// <summary>Validation accuracy, 0 to 1.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Wall time of the steps.</summary>
    public double Seconds { get; init; }

    /// <summary>Hash of the final weights.</summary>
    public string WeightsSha256 { get; init; } = "";

    /// <summary>Hash of the average of the weights, and of the buffers; null without --ema.</summary>
    public string? EmaSha256 { get; init; }

    /// <summary>Epoch by epoch.</summary>
    public IReadOnlyList<TrialEpoch> Epochs { get; init; } = [];
}
