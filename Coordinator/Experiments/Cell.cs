namespace Distributed.Coordinator.Experiments;

/// <summary>One training of an experiment.</summary>
/// <param name="Name">Tells it from the others; also the name of its folder.</param>
/// <param name="Words">Options as <c>train</c> takes them, the seed among them.</param>
/// <param name="Group">Cells of one group differ in their seed only: the table has their mean.</param>
/// <param name="ValidatesEachEpoch">Whether the curve of the validation is wanted.</param>
internal sealed record Cell(
    string Name, IReadOnlyList<string> Words, string Group, bool ValidatesEachEpoch = false)
{
    /// <summary>A folder name: what any system allows of the text, in at most 100 characters.</summary>
    public static string Slug(string text)
    {
        char[] kept = [.. text.Select(character =>
            char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '=' or ',' ? character : '-')];
        string slug = new string(kept).Trim('-', '.');
        return slug.Length is > 0 and <= 100 ? slug : $"{slug[..Math.Min(slug.Length, 90)]}-{Fold(text):x8}";
    }

    /// <summary>FNV-1a: tells long names apart whose beginnings are equal.</summary>
    private static uint Fold(string text) =>
        text.Aggregate(2166136261u, (hash, character) => unchecked((hash ^ character) * 16777619u));
}

/// <summary>What became of a cell.</summary>
internal enum CellStatus
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

/// <summary>One epoch of a cell.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">Training loss, mean over the epoch's steps.</param>
/// <param name="Psnr">Validation PSNR at its end, in dB; null if it was not measured.</param>
/// <param name="Accuracy">Validation accuracy at its end, 0 to 1; null if it was not measured.</param>
/// <param name="ValidationLoss">Mean over the validation's terms at its end; null if it was not measured.</param>
/// <param name="PsnrEstimated">As <paramref name="Psnr"/>, but estimated from noisy pairs.</param>
internal sealed record CellEpoch(
    int Epoch,
    double Loss,
    double? Psnr,
    double? Accuracy = null,
    double? ValidationLoss = null,
    double? PsnrEstimated = null);

/// <summary>A cell and what it came to.</summary>
internal sealed record CellResult
{
    /// <summary>Which one.</summary>
    public required Cell Cell { get; init; }

    /// <summary>What became of it; the numbers below are there if it is done.</summary>
    public required CellStatus Status { get; init; }

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

    /// <summary>Validation accuracy, 0 to 1.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Wall time of the steps.</summary>
    public double Seconds { get; init; }

    /// <summary>Hash of the final weights.</summary>
    public string WeightsSha256 { get; init; } = "";

    /// <summary>Epoch by epoch.</summary>
    public IReadOnlyList<CellEpoch> Epochs { get; init; } = [];
}
