using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>Which arrays of an archive are what, by their names.</summary>
internal static class NpzNames
{
    private static readonly string[] s_inputs = ["noisy", "input", "inputs", "x", "source", "first", "a", "low"];

    private static readonly string[] s_targets =
        ["clean", "target", "targets", "y", "gt", "ground_truth", "second", "b", "gt_clean"];

    /// <summary>Whether a name is one that NumPy gives to arrays without one: arr_0, arr_1.</summary>
    public static bool IsNumbered(string name) => name.StartsWith("arr_", StringComparison.Ordinal);

    /// <summary>The array that networks take; null if none has such a name.</summary>
    public static string? FindInput(IReadOnlyCollection<string> names) => Find(names, s_inputs);

    /// <summary>The array that they are to give; null if none has such a name.</summary>
    public static string? FindTarget(IReadOnlyCollection<string> names) => Find(names, s_targets);

    /// <summary>Where the channels are by CSBDeep's axes: SCYX or SYXC, with a C.</summary>
    /// <returns>Whether they are last.</returns>
    /// <exception cref="DataException">The axes are others.</exception>
    public static bool AreChannelsLast(string axes, string place) => axes switch
    {
        "SCYX" or "NCYX" or "TCYX" => false,
        "SYXC" or "NYXC" or "TYXC" => true,
        _ => throw new DataException(
            $"{place}: its axes are '{axes}'; samples, channels, rows and columns can be read, SCYX or SYXC.",
            "Save two-dimensional images with one of these orders of axes."),
    };

    private static string? Find(IReadOnlyCollection<string> names, string[] known)
    {
        string[] found = [.. names.Where(name => known.Contains(name.ToLowerInvariant()))];
        return found.Length == 1 ? found[0] : null;
    }
}
