namespace Distributed.Worker.Compute;

/// <summary>What compute threads count; one for all workers of a process, read by any thread.</summary>
public sealed class ComputeCounters
{
    private long _allocatedBytes;

    /// <summary>Bytes that compute threads have allocated on the managed heap since they began to compute.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    internal void AddAllocated(long bytes) => Interlocked.Add(ref _allocatedBytes, bytes);
}
