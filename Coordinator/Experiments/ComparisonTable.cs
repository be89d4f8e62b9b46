using System.Globalization;

namespace Distributed.Coordinator.Experiments;

/// <summary>Their numbers beside ours.</summary>
internal static class ComparisonTable
{
    /// <summary>Makes it.</summary>
    /// <param name="title">Above it.</param>
    /// <param name="metric">What is compared.</param>
    /// <param name="rows">With the results of their runs.</param>
    /// <param name="notes">Below it; what became of trials that are not done is added.</param>
    public static ResultTable Create(
        string title, Metric metric, IReadOnlyList<ComparedRow> rows, IReadOnlyList<string> notes)
    {
        Column[] columns =
        [
            new("row", ""),
            new("theirs", $"Theirs, {metric.Title}", metric.Format),
            new("theirDeviation", "SD", metric.Format),
            new("ours", $"Ours, {metric.Title}", metric.Format),
            new("ourDeviation", "SD", metric.Format),
            new("difference", "Ours - theirs", Gain.SignedFormat(metric)),
            .. Gain.Columns(metric),
            new("runs", "Runs", "0"),
            new("steps", "Steps", "0"),
            new("seconds", "Seconds a run", "0.0"),
            Gain.RemarkColumn,
        ];
        return new ResultTable(
            title,
            columns,
            [.. rows.Select(row => (IReadOnlyList<object?>)Row(row, metric))],
            [
                .. notes,
                .. rows.Any(row => Gain.Of(metric, row.Results).IsShort) ? [Gain.ShortNote] : Array.Empty<string>(),
                .. rows.SelectMany(row => row.Results)
                    .Where(result => result.Status != TrialStatus.Done)
                    .Select(result =>
                        $"{result.Trial.Name}: {result.Status.ToString().ToLowerInvariant()}: {result.Cause}"),
            ]);
    }

    private static object?[] Row(ComparedRow row, Metric metric)
    {
        Spread? ours = metric.Over(row.Results);
        Gain gain = Gain.Of(metric, row.Results);
        TrialResult[] done = [.. row.Results.Where(result => result.Status == TrialStatus.Done)];
        return
        [
            row.Row.Label,
            row.Row.Theirs,
            row.Row.TheirDeviation > 0 ? row.Row.TheirDeviation : null,
            ours?.Mean,
            ours is { Count: > 1 } ? ours.Value.Deviation : null,
            ours?.Mean - row.Row.Theirs,
            .. gain.Cells(metric),
            done.Length,
            gain.Steps,
            done.Length > 0 ? done.Average(result => result.Seconds) : null,
            gain.Remark,
        ];
    }
}

/// <summary>The same training with one seed after the other.</summary>
internal static class RepeatedTrials
{
    /// <summary>The trials, of one configuration.</summary>
    public static IEnumerable<Trial> Of(
        string configuration, IReadOnlyList<string> arguments, int runs, bool validatesEachEpoch, int firstSeed = 0) =>
        Enumerable.Range(firstSeed, runs).Select(run =>
        {
            string seed = run.ToString(CultureInfo.InvariantCulture);
            string name = runs == 1 ? configuration : $"{configuration} seed={seed}";
            return new Trial(name, [.. arguments, "--seed", seed], configuration, validatesEachEpoch);
        });
}
