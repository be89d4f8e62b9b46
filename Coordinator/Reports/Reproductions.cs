using Distributed.Coordinator.Experiments;

namespace Distributed.Coordinator.Reports;

/// <summary>Everything that <c>reproduce</c> knows, in the order of the reports.</summary>
internal static class Reproductions
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
        [
            .. Report000.All, .. Report001.All, .. Report002.All, .. Report003.All, .. Report004.All,
            .. NoisyTargetsReport.All,
        ];

    /// <summary>One by its name; null if there is none.</summary>
    public static Reproduction? Find(string name) => All.FirstOrDefault(one => one.Name == name);
}
