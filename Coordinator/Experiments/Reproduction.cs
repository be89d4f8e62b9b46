namespace Distributed.Coordinator.Experiments;

/// <summary>A table or figure of a report that is made again, theirs beside ours.</summary>
/// <param name="name">Typed by the user.</param>
/// <param name="source">Which report, and which table or figure.</param>
/// <param name="shows">What it shows, in a phrase.</param>
internal abstract class Reproduction(string name, string source, string shows)
{
    /// <summary>Typed by the user.</summary>
    public string Name => name;

    /// <summary>Which report, and which table or figure.</summary>
    public string Source => source;

    /// <summary>What it shows, in a phrase.</summary>
    public string Shows => shows;

    /// <summary>
    /// All trials that are known to be needed: asked for again, with the results, until no new one comes.
    /// </summary>
    /// <param name="size">How large it is to be.</param>
    /// <param name="results">Of the trials that were asked for before.</param>
    public abstract IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results);

    /// <summary>Makes tables and figures; trials may have failed.</summary>
    /// <param name="size">How large it is.</param>
    /// <param name="results">Of all trials that were asked for.</param>
    /// <param name="stop">Ends what is measured only now, such as PyTorch; the table has no figure for it then.</param>
    public abstract ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default);
}

/// <summary>A row of a table that compares.</summary>
/// <param name="Label">What is different about it.</param>
/// <param name="Arguments">Its options for <c>train</c>, without the seed.</param>
/// <param name="Theirs">The report's number, in the unit of the metric; null if it gives none.</param>
/// <param name="TheirDeviation">The report's standard deviation; 0 if it gives none.</param>
internal sealed record ReproduceRow(
    string Label, IReadOnlyList<string> Arguments, double? Theirs = null, double TheirDeviation = 0)
{
    /// <summary>Its place on the figure's horizontal axis.</summary>
    public double X { get; init; }

    /// <summary>Name of its trials if another reproduction has the same ones; null for its own.</summary>
    public string? Shared { get; init; }
}

/// <summary>A row with the results of its runs.</summary>
internal sealed record ComparedRow(ReproduceRow Row, IReadOnlyList<TrialResult> Results);

/// <summary>The common kind: rows that are trained alike and compared by one number.</summary>
internal sealed class Comparison(string name, string source, string shows) : Reproduction(name, source, shows)
{
    /// <summary>The rows at a size.</summary>
    public required Func<ReproduceSize, IReadOnlyList<ReproduceRow>> Rows { get; init; }

    /// <summary>Runs of each row in the report.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Whether to validate after each epoch.</summary>
    public bool ValidatesEachEpoch { get; init; }

    /// <summary>Whether the images are the course's kind; the table says where they come from.</summary>
    public bool IsCourse { get; init; } = true;

    /// <summary>What the numbers are; null for PSNR.</summary>
    public Metric? Metric { get; init; }

    /// <summary>What the reader must know: guesses above all.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Sentences that the results themselves give; they stand before the notes.</summary>
    public Func<IReadOnlyList<ComparedRow>, Metric, IReadOnlyList<string>>? Findings { get; init; }

    /// <summary>
    /// A row that is trained elsewhere, once the others are done, and what to say of it; no results if it could not be.
    /// </summary>
    public Func<IReadOnlyList<ComparedRow>, CancellationToken, (ComparedRow Row, string Note)>? Elsewhere { get; init; }

    /// <summary>The figures; bars by default.</summary>
    public Func<IReadOnlyList<ComparedRow>, Metric, IReadOnlyList<Figure>>? Figures { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results) =>
        [.. Rows(size).SelectMany(row => TrialsOf(row, size))];

    /// <inheritdoc/>
    public override ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default)
    {
        ComparedRow[] rows =
        [
            .. Rows(size).Select(row => new ComparedRow(
                row, [.. results.Where(result => result.Trial.Configuration == ConfigurationOf(row))])),
        ];
        List<string> notes = [.. Notes];
        if (Elsewhere?.Invoke(rows, stop) is { } elsewhere)
        {
            rows = [.. rows, elsewhere.Row];
            notes.Insert(0, elsewhere.Note);
        }

        Metric metric = Metric ?? Experiments.Metric.Psnr;
        string title = $"{Source}: {Shows}";
        string[] data = IsCourse ? [size.DataNote(Rows(size).Select(row => row.Arguments))] : [];
        ResultTable table = ComparisonTable.Create(
            title, metric, rows, [.. Findings?.Invoke(rows, metric) ?? [], .. notes, .. data, size.SizeNote]);
        return new ExperimentReport(
            [table], Figures?.Invoke(rows, metric) ?? [ReproduceFigures.Bars(Name, title, metric, rows)]);
    }

    private string ConfigurationOf(ReproduceRow row) => row.Shared ?? $"{Name} {row.Label}";

    private IEnumerable<Trial> TrialsOf(ReproduceRow row, ReproduceSize size) =>
        RepeatedTrials.Of(ConfigurationOf(row), row.Arguments, size.Runs(Repeat), ValidatesEachEpoch);
}
