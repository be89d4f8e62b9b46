using Distributed.EndToEnd.Tests.Cluster;
using Distributed.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer(
    "Distributed.EndToEnd.Tests.Harness." + nameof(LongestFirst), "Distributed.EndToEnd.Tests")]

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>The class that takes minutes begins first: last, it would leave a core idle.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections
            .OrderByDescending(collection => collection.DisplayName.EndsWith(
                nameof(FireTests), StringComparison.Ordinal))
            .ThenByDescending(collection => collection.DisplayName, StringComparer.Ordinal);
}
