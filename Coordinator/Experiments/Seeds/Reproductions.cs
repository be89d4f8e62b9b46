namespace Distributed.Coordinator.Experiments.Seeds;

/// <summary>Everything that <c>reproduce</c> knows, in the order of the reports.</summary>
internal static class Reproductions
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Reproduction> All { get; } =
        [.. Seed000.All, .. Seed001.All, .. Seed002.All, .. Seed003.All, .. Seed004.All, .. NoisyTargets.All];

    /// <summary>One by its name; null if there is none.</summary>
    public static Reproduction? Find(string name) => All.FirstOrDefault(one => one.Name == name);
}
