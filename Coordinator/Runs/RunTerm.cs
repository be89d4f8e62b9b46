using System.Globalization;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Runs;

/// <summary>Counts the lives of the coordinators of one run, so that messages of an earlier one are void.</summary>
internal static class RunTerm
{
    /// <summary>Raises the term by one and returns it; on disk when this returns. The first term is 1.</summary>
    /// <param name="folder">The run folder, locked.</param>
    /// <exception cref="DataException">The file is damaged, so that no safe term is known.</exception>
    public static long Raise(string folder)
    {
        long term = (Find(folder) ?? 0) + 1;
        AtomicFile.WriteAllText(PathIn(folder), string.Create(CultureInfo.InvariantCulture, $"{term}\n"));
        return term;
    }

    /// <summary>The term of the last holder; null before the first.</summary>
    /// <param name="folder">The run folder.</param>
    /// <exception cref="DataException">The file is damaged.</exception>
    public static long? Find(string folder)
    {
        string path = PathIn(folder);
        if (!File.Exists(path))
        {
            return null;
        }

        // A whole number has at most 19 digits; a longer file is not read.
        string text = new FileInfo(path).Length <= 32 ? File.ReadAllText(path).Trim() : "";
        bool isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long term);
        return isNumber && term < long.MaxValue
            ? term
            : throw new DataException(
                $"{path} does not hold the number of the run's last term.",
                "Write into it a whole number higher than any term of this run so far (see environment.json).");
    }

    private static string PathIn(string folder) => Path.Combine(folder, "term");
}
