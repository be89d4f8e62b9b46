namespace Distributed.Framework.Kernels;

/// <summary>Cuts a count in parts that differ by at most one, the larger ones first.</summary>
internal static class Partition
{
    /// <summary>Size of a part.</summary>
    public static int Size(int count, int parts, int part) => (count / parts) + (part < count % parts ? 1 : 0);
}
