namespace Distributed.Coordinator.Experiments;

/// <summary>What a row of a table gains over its input, and what is to be said of it.</summary>
/// <remarks>A PSNR says nothing by itself: what is worse than doing nothing must not look like a result.</remarks>
/// <param name="Value">Mean over the runs, in the metric's unit; null if none is done.</param>
/// <param name="Input">What doing nothing gives; null if nobody knows.</param>
/// <param name="Steps">Updates of a run; null if none is done.</param>
internal readonly record struct Gain(double? Value, double? Input, long? Steps)
{
    /// <summary>Runs of fewer steps say nothing about what is compared.</summary>
    public const int StepsMin = 300;

    private const string Below = "below its input";
    private const string Short = "too short";

    /// <summary>The note of a table that has rows too short to compare.</summary>
    public static string ShortNote { get; } =
        $"Too short: fewer than {StepsMin} steps, so the row's place among the others is noise.";

    /// <summary>Ours less the input's.</summary>
    public double? Difference => Value - Input;

    /// <summary>Whether doing nothing is better.</summary>
    public bool IsBelow => Difference < 0;

    /// <summary>Whether the row is of too few steps to be compared.</summary>
    public bool IsShort => Steps < StepsMin;

    /// <summary>The row's mark; empty for none.</summary>
    public string Remark => (IsBelow, IsShort) switch
    {
        (true, true) => $"{Below}; {Short}",
        (true, false) => Below,
        (false, true) => Short,
        _ => "",
    };

    /// <summary>Columns of a metric that has an input: this, the gain.</summary>
    public static IReadOnlyList<Column> Columns(Metric metric) => metric.InputOf is null
        ? []
        : [new("input", "Input (dB)", metric.Format), new("gain", "Gain (dB)", SignedFormat(metric))];

    /// <summary>The mark's column.</summary>
    public static Column RemarkColumn { get; } = new("remark", "Remark");

    /// <summary>How differences of a metric are written.</summary>
    public static string SignedFormat(Metric metric) => $"+{metric.Format};-{metric.Format};{metric.Format}";

    /// <summary>Of the runs of a row.</summary>
    public static Gain Of(Metric metric, IReadOnlyList<TrialResult> results)
    {
        TrialResult[] done = [.. results.Where(result => result.Status == TrialStatus.Done)];
        return new Gain(
            metric.Over(done)?.Mean,
            metric.InputOver(done),
            done.Length > 0 ? done.Min(result => result.Steps) : null);
    }

    /// <summary>The values of <see cref="Columns"/>.</summary>
    public IReadOnlyList<object?> Cells(Metric metric) => metric.InputOf is null ? [] : [Input, Difference];
}
