using System.Globalization;

namespace Distributed.Framework.Data.Storage;

/// <summary>Memory that the images of one source may take; those that find no room stay in their files.</summary>
/// <param name="bytesMax">Of all images together.</param>
internal sealed class DataMemory(long bytesMax)
{
    /// <summary>The environment variable that sets another bound, in bytes, for tests.</summary>
    private const string Variable = "DISTRIBUTED_TEST_DATA_BYTES";

    private long _left = bytesMax;

    /// <summary>The bound of every source, in bytes.</summary>
    public static long StandardMax { get; } = long.TryParse(
        Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
        ? bytes
        : 512L << 20;

    /// <summary>As options have it.</summary>
    public static DataMemory Of(DataOptions options) => new(options.MemoryBytes ?? StandardMax);

    /// <summary>Whether something found no room.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Takes room for images; once there was none, there is none.</summary>
    /// <returns>Whether there is room for them.</returns>
    public bool Takes(long bytes)
    {
        IsFull = IsFull || bytes > _left;
        _left -= IsFull ? 0 : bytes;
        return !IsFull;
    }
}
