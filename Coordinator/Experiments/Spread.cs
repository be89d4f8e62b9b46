namespace Distributed.Coordinator.Experiments;

/// <summary>Mean and spread of repeated runs.</summary>
/// <param name="Mean">Arithmetic mean.</param>
/// <param name="Deviation">Sample standard deviation, with n - 1; 0 for one run.</param>
/// <param name="Count">How many runs.</param>
internal readonly record struct Spread(double Mean, double Deviation, int Count)
{
    /// <summary>Of the values that are there; null if none is.</summary>
    public static Spread? Of(IEnumerable<double?> values)
    {
        double[] there = [.. values.OfType<double>()];
        if (there.Length == 0)
        {
            return null;
        }

        double mean = there.Average();
        double squares = there.Sum(value => (value - mean) * (value - mean));
        return new Spread(mean, there.Length > 1 ? Math.Sqrt(squares / (there.Length - 1)) : 0, there.Length);
    }
}

/// <summary>What trials are compared by.</summary>
/// <param name="Key">Name in JSON.</param>
/// <param name="Title">Name for people, with the unit.</param>
/// <param name="Format">How its numbers are written.</param>
/// <param name="IsHigherBetter">Which end of the table is the best.</param>
/// <param name="Of">Its value in a result.</param>
internal sealed record Metric(
    string Key, string Title, string Format, bool IsHigherBetter, Func<TrialResult, double?> Of)
{
    /// <summary>What doing nothing gives, in the same unit; null where that means nothing.</summary>
    public Func<TrialResult, double?>? InputOf { get; init; }

    /// <summary>Share of right answers.</summary>
    public static Metric Accuracy { get; } =
        new("accuracy", "Accuracy (%)", "0.00", true, result => result.Accuracy * 100);

    /// <summary>Over the global error of the validation images.</summary>
    public static Metric Psnr { get; } =
        new("psnr", "PSNR (dB)", "0.00", true, result => result.Psnr)
        {
            InputOf = result => result.InputPsnr,
        };

    /// <summary>As the other, but estimated from noisy pairs.</summary>
    public static Metric PsnrEstimated { get; } =
        new("psnrEstimated", "PSNR, estimated (dB)", "0.00", true, result => result.PsnrEstimated)
        {
            InputOf = result => result.InputPsnrEstimated,
        };

    /// <summary>Training loss of the last epoch.</summary>
    public static Metric Loss { get; } = new("trainingLoss", "Training loss", "0.000000", false, result => result.Loss);

    /// <summary>The best one that the results have.</summary>
    public static Metric For(IEnumerable<TrialResult> results)
    {
        TrialResult[] done = [.. results.Where(result => result.Status == TrialStatus.Done)];
        return done.Any(result => result.Accuracy is not null) ? Accuracy
            : done.Any(result => result.Psnr is not null) ? Psnr
            : done.Any(result => result.PsnrEstimated is not null) ? PsnrEstimated
            : Loss;
    }

    /// <summary>Over the trials that are done.</summary>
    public Spread? Over(IEnumerable<TrialResult> results) =>
        Spread.Of(results.Where(result => result.Status == TrialStatus.Done).Select(Of));

    /// <summary>What doing nothing gives, over the trials that are done; null if nobody knows.</summary>
    public double? InputOver(IEnumerable<TrialResult> results) => InputOf is null
        ? null
        : Spread.Of(results.Where(result => result.Status == TrialStatus.Done).Select(InputOf))?.Mean;
}
