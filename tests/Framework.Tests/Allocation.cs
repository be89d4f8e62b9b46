namespace Distributed.Framework.Tests;

/// <summary>What code allocates.</summary>
internal static class Allocation
{
    /// <summary>
    /// Bytes that this thread takes in one call: the least of some, since a collection that other threads cause may
    /// charge this one for the rest of its block.
    /// </summary>
    public static long Of(Action code)
    {
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            code();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
