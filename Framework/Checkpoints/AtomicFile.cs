using System.Text;

namespace Distributed.Framework.Checkpoints;

/// <summary>Writes files that are either whole or not there, whenever the process or the machine stops.</summary>
/// <remarks>
/// Order: temporary name, flush to disk, check, rename, flush the folder. After a return the file is on disk.
/// One writer per file at a time: the temporary name is the file's own with <see cref="TemporarySuffix"/> behind.
/// </remarks>
public static class AtomicFile
{
    /// <summary>Ends the name of a file that is not whole yet; such a file of an earlier life may be removed.</summary>
    public const string TemporarySuffix = ".tmp";

    private const int LinuxNoSpace = 28;
    private const int LinuxQuotaExceeded = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Replaces a file by UTF-8 text.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="text">What to write.</param>
    /// <param name="mode">Permissions of the file where the system has such; null for the usual ones.</param>
    /// <exception cref="IOException">The disk is full or failed; the old file is as it was.</exception>
    public static void WriteAllText(string path, string text, UnixFileMode? mode = null) =>
        WriteAllBytes(path, Encoding.UTF8.GetBytes(text), mode);

    /// <summary>Replaces a file by bytes, otherwise as <see cref="WriteAllText"/>.</summary>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes, UnixFileMode? mode = null) =>
        Write(path, stream => stream.Write(bytes.Span), check: null, temporary => Create(temporary, mode));

    /// <summary>Replaces a file by what <paramref name="write"/> writes.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="write">Gets a seekable stream; whatever it throws leaves the old file as it was.</param>
    /// <param name="check">Gets the path of the flushed temporary file; throws to refuse it.</param>
    /// <param name="create">Opens the temporary file; null for a plain file. Tests put faults here.</param>
    /// <exception cref="IOException">The disk is full or failed; the old file is as it was.</exception>
    public static void Write(
        string path, Action<Stream> write, Action<string>? check = null, Func<string, Stream>? create = null)
    {
        string temporary = path + TemporarySuffix;
        try
        {
            using (Stream stream = create is null ? Create(temporary, mode: null) : create(temporary))
            {
                write(stream);
                Flush(stream);
            }

            check?.Invoke(temporary);
            Publish(temporary, path);
        }
        catch
        {
            Remove(temporary);
            throw;
        }
    }

    /// <summary>Whether a fault says that the disk, or the user's share of it, is full.</summary>
    public static bool IsDiskFull(IOException exception) =>
        exception.HResult is LinuxNoSpace or LinuxQuotaExceeded or WindowsDiskFull;

    /// <summary>Removes files with the temporary suffix that an earlier life left in a folder.</summary>
    public static void RemoveLeftovers(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*" + TemporarySuffix).ToList())
        {
            File.Delete(path);
        }
    }

    private static FileStream Create(string path, UnixFileMode? mode)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
            BufferSize = 1 << 16,
        };
        if (mode is { } wanted && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = wanted;
            File.Delete(path); // A leftover would keep its own mode.
        }

        return new FileStream(path, options);
    }

    private static void Flush(Stream stream)
    {
        stream.Flush();
        (stream as FileStream)?.Flush(flushToDisk: true);
    }

    private static void Publish(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        FolderSync.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Best effort: the fault that led here is the one to report.</summary>
    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // RemoveLeftovers gets it at the next start.
        }
    }
}
