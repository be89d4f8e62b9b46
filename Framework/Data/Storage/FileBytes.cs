using Distributed.Framework.Errors;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Framework.Data.Storage;

/// <summary>Bytes of a file on disk, read when they are asked for.</summary>
/// <remarks>
/// Each thread keeps the file open that it has read last, so sets of any number of files need few handles, and reading
/// on in one file allocates nothing. Whenever it is opened it must have the length and the time of change that it had
/// at first: half of one file and half of another would be data that nobody has seen.
/// </remarks>
internal sealed class FileBytes : RandomBytes
{
    [ThreadStatic]
    private static FileBytes? t_last;

    [ThreadStatic]
    private static SafeFileHandle? t_handle;

    private readonly string _path;
    private readonly DateTime _changed;

    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It is missing or may not be read.</exception>
    public FileBytes(string path)
    {
        _path = Path.GetFullPath(path);
        using SafeFileHandle handle = Open();
        Length = RandomAccess.GetLength(handle);
        _changed = File.GetLastWriteTimeUtc(handle);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > Length - target.Length)
        {
            throw new EndOfStreamException();
        }

        if (t_last != this)
        {
            CloseLast();
            SafeFileHandle handle = Open();
            Check(handle);
            (t_last, t_handle) = (this, handle);
        }

        ReadAll(t_handle!, offset, target);
    }

    /// <summary>Closes the file that this thread has read last: nobody will read on in it.</summary>
    public static void CloseLast()
    {
        t_handle?.Dispose();
        (t_last, t_handle) = (null, null);
    }

    private SafeFileHandle Open() =>
        File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);

    private void Check(SafeFileHandle handle)
    {
        if (RandomAccess.GetLength(handle) != Length || File.GetLastWriteTimeUtc(handle) != _changed)
        {
            handle.Dispose();
            throw new DataException(
                $"{_path} was changed while it was read.", "Leave the data as they are while they are in use.");
        }
    }
}
