using Distributed.Framework.Errors;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Framework.Data.Storage;

/// <summary>Bytes of a file that can be read anywhere. Safe from many threads.</summary>
internal abstract class RandomBytes
{
    /// <summary>How many there are.</summary>
    public abstract long Length { get; }

    /// <summary>Reads some.</summary>
    /// <param name="offset">Of the first one.</param>
    /// <param name="target">Overwritten, all of it.</param>
    /// <exception cref="EndOfStreamException">They are not all inside.</exception>
    /// <exception cref="DataException">The file is another one by now.</exception>
    public abstract void Read(long offset, Span<byte> target);

    /// <summary>Some of them, copied if they have to be.</summary>
    /// <exception cref="EndOfStreamException">They are not all inside.</exception>
    public virtual ReadOnlyMemory<byte> View(long offset, int length)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>Reads some bytes of a file, however many the system gives at once.</summary>
    /// <exception cref="EndOfStreamException">They are not all inside.</exception>
    internal static void ReadAll(SafeFileHandle file, long offset, Span<byte> target)
    {
        while (target.Length > 0)
        {
            int count = RandomAccess.Read(file, target, offset);
            target = count > 0 ? target[count..] : throw new EndOfStreamException();
            offset += count;
        }
    }
}
