using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>What the configuration of a run that goes on may differ in; anything else is refused by name.</summary>
internal static class ResumeRules
{
    /// <summary>Paths: hashes tell whether the data are the same.</summary>
    private static readonly string[] s_paths = ["init", "data.source", "data.validation"];

    /// <summary>The length of a run.</summary>
    private static readonly string[] s_length = ["epochs", "steps"];

    /// <summary>Dotted keys that may change.</summary>
    /// <param name="dependsOnLength">Whether rates or loss of a step depend on the length of the run.</param>
    public static IReadOnlySet<string> MayChange(bool dependsOnLength) =>
        new HashSet<string>(dependsOnLength ? s_paths : s_paths.Concat(s_length));

    /// <summary>Refuses configurations that differ in more than may change.</summary>
    /// <param name="owner">Whose the other one is, as a sentence begins: "The run in runs/x".</param>
    /// <param name="saved">The other one.</param>
    /// <param name="now">What the run would go on with.</param>
    /// <param name="mayChange">Dotted keys that may differ.</param>
    /// <param name="remedy">What to do.</param>
    /// <exception cref="ConfigurationException">They do; names each key with both values.</exception>
    public static void Check(
        string owner, RunConfiguration saved, RunConfiguration now, IReadOnlySet<string> mayChange, string remedy)
    {
        IReadOnlyList<ConfigurationDifference> differences = ConfigurationDifference.Find(
            saved.ToJsonObject(), now.ToJsonObject(), mayChange);
        if (differences.Count > 0)
        {
            throw new ConfigurationException(
                $"{owner} has another configuration: {string.Join("; ", differences)}.", remedy);
        }
    }
}
