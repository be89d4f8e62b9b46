using static System.FormattableString;

namespace Distributed.Coordinator.Core;

/// <summary>How many workers take part, in words.</summary>
internal static class WorkerCount
{
    /// <summary>"1 worker", "3 workers".</summary>
    public static string Text(int count) => Invariant($"{count} {(count == 1 ? "worker" : "workers")}");
}
