using System.Text;

namespace Distributed.Framework.Checkpoints;

/// <summary>For files that another process may think are its own to write.</summary>
/// <param name="Check">Called right before a file gets its name; throws to keep it from that.</param>
/// <param name="Writer">Goes into the names of temporary files: two writers never write to one.</param>
public sealed record WriteGuard(Action Check, string Writer);

/// <summary>Writes files that are either whole or not there, whenever the process or the machine stops.</summary>
/// <remarks>
/// Order: temporary name, flush to disk, check, rename, flush the folder. After a return the file is on disk.
/// One writer per file at a time: the temporary name is the file's own with <see cref="TemporarySuffix"/> behind. With
/// a guard there may be more: each has a temporary name of its own, and asks before it renames.
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
    /// <param name="guard">Asked before the rename; null if nobody else writes here.</param>
    /// <exception cref="IOException">The disk is full or failed; the old file is as it was.</exception>
    public static void Write(
        string path,
        Action<Stream> write,
        Action<string>? check = null,
        Func<string, Stream>? create = null,
        WriteGuard? guard = null)
    {
        string temporary = (guard is null ? path : $"{path}.{guard.Writer}") + TemporarySuffix;
        try
        {
            using (Stream stream = create is null ? Create(temporary, mode: null) : create(temporary))
            {
                write(stream);
                Flush(stream);
            }

            check?.Invoke(temporary);
            guard?.Check();
            Publish(temporary, path);
        }
        catch
        {
            Remove(temporary);
            guard?.Check(); // That somebody else writes here now explains whatever went wrong.
            throw;
        }
    }

    /// <summary>Whether a fault says that the disk, or the user's share of it, is full.</summary>
    public static bool IsDiskFull(IOException exception) =>
        exception.HResult is LinuxNoSpace or LinuxQuotaExceeded or WindowsDiskFull;

    /// <summary>Removes files with the temporary suffix that an earlier life left in a folder.</summary>
    /// <param name="folder">The folder; those below it are left alone.</param>
    /// <param name="name">Of the one file whose leftovers are meant; null for all.</param>
    public static void RemoveLeftovers(string folder, string? name = null)
    {
        foreach (string path in Directory.EnumerateFiles(folder, name + "*" + TemporarySuffix).ToList())
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
