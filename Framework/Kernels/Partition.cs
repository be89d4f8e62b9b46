namespace Distributed.Framework.Kernels;

/// <summary>Cuts a count in parts that differ by at most one, the larger ones first.</summary>
internal static class Partition
{
    /// <summary>Size of a part.</summary>
    public static int Size(int count, int parts, int part) => (count / parts) + (part < count % parts ? 1 : 0);

    /// <summary>The same for the fewest parts of at most a size: how many are one larger, how many are not.</summary>
    public static (int Size, int Larger, int Others) AtMost(int count, int size)
    {
        int parts = (count + size - 1) / size;
        int larger = count % parts;
        return (count / parts, larger, parts - larger);
    }
}
