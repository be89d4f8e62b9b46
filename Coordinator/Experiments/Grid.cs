using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Experiments;

/// <summary>One axis of a grid: an option of <c>train</c> and the values that it takes in turn.</summary>
/// <param name="Option">Its name with the dashes.</param>
/// <param name="Values">At least one; for a switch, on or off.</param>
/// <param name="IsSwitch">Whether it has no value on the command line.</param>
internal sealed record GridAxis(string Option, IReadOnlyList<string> Values, bool IsSwitch)
{
    private const string On = "on";

    /// <summary>Reads <c>lr=0.1,0.01</c>, or <c>betas=0.9,0.99;0.8,0.9</c> where values have commas.</summary>
    /// <param name="text">What the user typed.</param>
    /// <param name="find">The option of <c>train</c> with a name; null if there is none.</param>
    /// <exception cref="ConfigurationException">
    /// There is no such option, it is not for a grid, or a value is missing or repeated.
    /// </exception>
    public static GridAxis Parse(string text, Func<string, TrainOption?> find)
    {
        string[] parts = text.Split('=', 2);
        if (parts[0].Trim() is "seed" or "--seed")
        {
            throw new ConfigurationException(
                $"--grid {text}: the seeds of a sweep are those of its repeated runs.",
                "Use --repeat N --seed S: N runs of each combination, with the seeds from S on.");
        }

        if (parts.Length < 2 || find(parts[0].Trim()) is not { } option || !MayVary(option.Name))
        {
            throw new ConfigurationException(
                $"--grid {text}: '{parts[0]}' is not an option of train that a grid may vary.",
                "Give an option of train and its values, as in --grid lr=0.1,0.01 or --grid batch=8,32.");
        }

        char separator = parts[1].Contains(';', StringComparison.Ordinal) ? ';' : ',';
        string[] values = parts[1].Split(separator, StringSplitOptions.TrimEntries);
        string? wrong = values.FirstOrDefault(value => value.Length == 0
            || values.Count(other => other == value) > 1
            || (option.IsSwitch && value is not (On or "off")));
        return wrong is null
            ? new GridAxis(option.Name, values, option.IsSwitch)
            : throw new ConfigurationException(
                $"--grid {text}: the value '{wrong}' is empty, repeated or not allowed.",
                option.IsSwitch
                    ? $"{option.Name} is a switch; its values are on and off."
                    : "Separate different values by commas, or by semicolons where a value has commas itself.");
    }

    /// <summary>What the command line has for one of the values.</summary>
    public IEnumerable<string> Arguments(string value) =>
        !IsSwitch ? [Option, value]
        : value == On ? [Option]
        : [];

    /// <summary>The value in the options of a trial.</summary>
    public string ValueIn(IReadOnlyList<string> arguments)
    {
        int at = arguments.TakeWhile(argument => argument != Option).Count();
        return IsSwitch ? (at < arguments.Count ? On : "off") : arguments.ElementAtOrDefault(at + 1) ?? "";
    }

    /// <summary>Options that say where a run is kept or computed decide no result, and a sweep has its own.</summary>
    private static bool MayVary(string option) => !Grid.NotForTrials.Contains(option);
}

/// <summary>All combinations of the values of a few options, each with several seeds.</summary>
internal static class Grid
{
    /// <summary>Most trials of one grid.</summary>
    public const int TrialsMax = 10_000;

    /// <summary>Options of <c>train</c> that belong to the whole experiment.</summary>
    public static IReadOnlyList<string> NotForTrials { get; } =
    [
        "--run", "--resume", "--or-standby", "--repeat", "--workers", "--threads", "--listen", "--advertise", "--http",
        "--min-workers", "--linger", "--secrets", "--token-file", "--json",
    ];

    /// <summary>The trials; the last axis changes fastest, and after it the seed.</summary>
    /// <param name="axes">The options that vary.</param>
    /// <param name="arguments">The options that do not.</param>
    /// <param name="repeat">Runs of each combination, with seeds from <paramref name="seed"/> on.</param>
    /// <param name="seed">The first seed.</param>
    /// <param name="eachEpoch">Whether to validate after each epoch.</param>
    /// <exception cref="ConfigurationException">Options exclude each other, or there are too many trials.</exception>
    public static IReadOnlyList<Trial> Trials(
        IReadOnlyList<GridAxis> axes, IReadOnlyList<string> arguments, int repeat, uint seed, bool eachEpoch)
    {
        Check(axes, arguments);
        long count = axes.Aggregate((long)repeat, (product, axis) => Math.Min(product * axis.Values.Count, 1L << 40));
        if (count > TrialsMax)
        {
            throw new ConfigurationException(
                $"The grid has {count} trials; allowed are 1 to {TrialsMax}.",
                "Give fewer values, or a lower --repeat.");
        }

        IEnumerable<(string Configuration, IReadOnlyList<string> Arguments)> points = [("", arguments)];
        foreach (GridAxis axis in axes)
        {
            points = points.SelectMany(point => axis.Values.Select(value => (
                $"{point.Configuration} {axis.Option[2..]}={value}".Trim(),
                (IReadOnlyList<string>)[.. point.Arguments, .. axis.Arguments(value)])));
        }

        return
        [
            .. points.SelectMany(point => Enumerable.Range(0, repeat).Select(run =>
            {
                string configuration = point.Configuration.Length == 0 ? "run" : point.Configuration;
                string number = (seed + (uint)run).ToString(CultureInfo.InvariantCulture);
                string name = repeat == 1 ? configuration : $"{configuration} seed={number}";
                return new Trial(name, [.. point.Arguments, "--seed", number], configuration, eachEpoch);
            })),
        ];
    }

    private static void Check(IReadOnlyList<GridAxis> axes, IReadOnlyList<string> arguments)
    {
        string[] names = [.. arguments.Where(argument => argument.StartsWith("--", StringComparison.Ordinal))
            .Select(argument => argument.Split('=', ':')[0])];
        if (names.FirstOrDefault(NotForTrials.Contains) is { } own)
        {
            throw new ConfigurationException(
                $"{own} is not for a single trial.", "Leave it out; --parallel N says how many trials run at once.");
        }

        string? twice = axes.Select(axis => axis.Option)
            .FirstOrDefault(option => names.Contains(option) || axes.Count(axis => axis.Option == option) > 1);
        if (twice is not null)
        {
            throw new ConfigurationException($"{twice} is given twice.", "Give it once: in a --grid, or alone.");
        }
    }
}
