using Distributed.EndToEnd.Tests.Cluster;
using Distributed.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer(
    "Distributed.EndToEnd.Tests.Harness." + nameof(LongestFirst), "Distributed.EndToEnd.Tests")]

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>Classes that take minutes begin first: last, one of them would leave a core idle.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <summary>The two that make hosts of namespaces want the cores most: others stand between them.</summary>
    private static readonly string[] s_order =
    [
        nameof(FireTests), nameof(SameBitsTests), nameof(StoredHashesTests), nameof(HostsTests),
        nameof(WorkerProcessTests), nameof(SurvivalTests), nameof(FailoverTests),
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections
            .OrderBy(collection => (uint)Array.IndexOf(s_order, collection.DisplayName.Split('.')[^1]))
            .ThenBy(collection => collection.DisplayName, StringComparer.Ordinal);
}
