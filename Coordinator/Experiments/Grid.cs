using System.CommandLine;
using System.Globalization;
using Distributed.Coordinator.Commands;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Experiments;

/// <summary>One axis of a grid: an option of <c>train</c> and the values that it takes in turn.</summary>
/// <param name="Option">Its name with the dashes.</param>
/// <param name="Values">At least one; for a switch, on or off.</param>
internal sealed record GridAxis(string Option, IReadOnlyList<string> Values)
{
    private const string On = "on";

    /// <summary>Reads <c>lr=0.1,0.01</c>, or <c>betas=0.9,0.99;0.8,0.9</c> where values have commas.</summary>
    /// <exception cref="ConfigurationException">
    /// There is no such option, it is not for a grid, or a value is missing or repeated.
    /// </exception>
    public static GridAxis Parse(string text)
    {
        string[] parts = text.Split('=', 2);
        if (parts[0].Trim() is "seed" or "--seed")
        {
            throw new ConfigurationException(
                $"--grid {text}: the seeds of a sweep are those of its repeated runs.",
                "Use --repeat N --seed S: N runs of each combination, with the seeds from S on.");
        }

        if (parts.Length < 2 || TrainLine.Find(parts[0].Trim()) is not { } option || !MayVary(option.Name))
        {
            throw new ConfigurationException(
                $"--grid {text}: '{parts[0]}' is not an option of train that a grid may vary.",
                "Give an option of train and its values, as in --grid lr=0.1,0.01 or --grid batch=8,32.");
        }

        char separator = parts[1].Contains(';', StringComparison.Ordinal) ? ';' : ',';
        string[] values = parts[1].Split(separator, StringSplitOptions.TrimEntries);
        bool isSwitch = option.Arity.MaximumNumberOfValues == 0;
        string? wrong = values.FirstOrDefault(value =>
            value.Length == 0 || values.Count(other => other == value) > 1 || (isSwitch && value is not (On or "off")));
        return wrong is null
            ? new GridAxis(option.Name, values)
            : throw new ConfigurationException(
                $"--grid {text}: the value '{wrong}' is empty, repeated or not allowed.",
                isSwitch
                    ? $"{option.Name} is a switch; its values are on and off."
                    : "Separate different values by commas, or by semicolons where a value has commas itself.");
    }

    /// <summary>What the command line has for one of the values.</summary>
    public IEnumerable<string> Words(string value) =>
        TrainLine.Find(Option)!.Arity.MaximumNumberOfValues != 0 ? [Option, value]
        : value == On ? [Option]
        : [];

    /// <summary>The value in the options of a cell.</summary>
    public string ValueIn(IReadOnlyList<string> words)
    {
        int at = words.TakeWhile(word => word != Option).Count();
        bool isSwitch = TrainLine.Find(Option)!.Arity.MaximumNumberOfValues == 0;
        return isSwitch ? (at < words.Count ? On : "off") : words.ElementAtOrDefault(at + 1) ?? "";
    }

    /// <summary>Options that say where a run is kept or computed decide no result, and a sweep has its own.</summary>
    private static bool MayVary(string option) => !Grid.NotForCells.Contains(option);
}

/// <summary>All combinations of the values of a few options, each with several seeds.</summary>
internal static class Grid
{
    /// <summary>Most cells of one grid.</summary>
    public const int CellsMax = 10_000;

    /// <summary>Options of <c>train</c> that belong to the whole experiment.</summary>
    public static IReadOnlyList<string> NotForCells { get; } =
    [
        "--run", "--resume", "--repeat", "--workers", "--threads", "--listen", "--min-workers", "--token-file",
        "--engine", "--log-format", "--json",
    ];

    /// <summary>The cells; the last axis changes fastest, and after it the seed.</summary>
    /// <param name="axes">The options that vary.</param>
    /// <param name="words">The options that do not.</param>
    /// <param name="repeat">Runs of each combination, with seeds from <paramref name="seed"/> on.</param>
    /// <param name="seed">The first seed.</param>
    /// <param name="eachEpoch">Whether to validate after each epoch.</param>
    /// <exception cref="ConfigurationException">Options exclude each other, or there are too many cells.</exception>
    public static IReadOnlyList<Cell> Cells(
        IReadOnlyList<GridAxis> axes, IReadOnlyList<string> words, int repeat, uint seed, bool eachEpoch)
    {
        Check(axes, words);
        long count = axes.Aggregate((long)repeat, (product, axis) => Math.Min(product * axis.Values.Count, 1L << 40));
        if (count > CellsMax)
        {
            throw new ConfigurationException(
                $"The grid has {count} cells; allowed are 1 to {CellsMax}.", "Give fewer values, or a lower --repeat.");
        }

        IEnumerable<(string Group, IReadOnlyList<string> Words)> points = [("", words)];
        foreach (GridAxis axis in axes)
        {
            points = points.SelectMany(point => axis.Values.Select(value => (
                $"{point.Group} {axis.Option[2..]}={value}".Trim(),
                (IReadOnlyList<string>)[.. point.Words, .. axis.Words(value)])));
        }

        return
        [
            .. points.SelectMany(point => Enumerable.Range(0, repeat).Select(run =>
            {
                string group = point.Group.Length == 0 ? "run" : point.Group;
                string number = (seed + (uint)run).ToString(CultureInfo.InvariantCulture);
                string name = repeat == 1 ? group : $"{group} seed={number}";
                return new Cell(name, [.. point.Words, "--seed", number], group, eachEpoch);
            })),
        ];
    }

    private static void Check(IReadOnlyList<GridAxis> axes, IReadOnlyList<string> words)
    {
        string[] names = [.. words.Where(word => word.StartsWith("--", StringComparison.Ordinal))
            .Select(word => word.Split('=', ':')[0])];
        if (names.FirstOrDefault(NotForCells.Contains) is { } own)
        {
            throw new ConfigurationException(
                $"{own} is not for a single cell.", "Leave it out; --parallel N says how many cells run at once.");
        }

        string? twice = axes.Select(axis => axis.Option)
            .FirstOrDefault(option => names.Contains(option) || axes.Count(axis => axis.Option == option) > 1);
        if (twice is not null)
        {
            throw new ConfigurationException($"{twice} is given twice.", "Give it once: in a --grid, or alone.");
        }
    }
}
