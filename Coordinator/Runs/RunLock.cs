using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Runs;

/// <summary>This process does not hold the run that it trains, or not any more: it must not write.</summary>
public sealed class RunLostException(string cause, string remedy) : ReportedException(cause, remedy);

/// <summary>
/// Keeps a second coordinator out of a run folder. The system drops it when the process ends, however.
/// </summary>
/// <remarks>
/// On Unix .NET takes <c>flock</c> on the file, which holds between processes and between handles of one process: a
/// second open by the holder itself must fail. If it does not, the file was deleted or replaced, file locking is
/// switched off, or the file system has none. A file that was replaced and is locked by another process is told by its
/// length, a random number: the length of a locked file can be read without opening it. Who waits for a run tries to
/// lock the file; nobody else opens it, or a coordinator that starts at that moment would be refused.
/// </remarks>
internal sealed class RunLock : IDisposable
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int LengthMax = 1 << 16;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly Func<string, FileMode, FileStream> _open;
    private readonly long _length = Random.Shared.Next(1, LengthMax);

    private RunLock(string path, FileStream file, Func<string, FileMode, FileStream> open)
    {
        _path = path;
        _file = file;
        _open = open;
    }

    /// <summary>Takes the lock of a folder that exists.</summary>
    /// <exception cref="ConfigurationException">Somebody else has it.</exception>
    /// <exception cref="RunLostException">It would not keep others out.</exception>
    public static RunLock Take(string folder) => TryTake(folder) ?? throw new ConfigurationException(
        $"The run folder {folder} is in use by {RunHolder.Find(folder)?.Name ?? "another process"}.",
        "Wait for that run or stop it, or choose another folder with --run.");

    /// <summary>Takes the lock of a folder that exists; null if somebody else has it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="open">Opens the file for this process alone. Tests put faults here.</param>
    /// <exception cref="RunLostException">It would not keep others out; the file is as it was.</exception>
    /// <exception cref="IOException">The file cannot be opened for another reason.</exception>
    public static RunLock? TryTake(string folder, Func<string, FileMode, FileStream>? open = null)
    {
        string path = Path.Combine(folder, "lock");
        open ??= Open;
        if (TryOpen(open, path, FileMode.OpenOrCreate) is not { } file)
        {
            return null;
        }

        try
        {
            RunLock taken = new(path, file, open);
            if (taken.WhyOpen() is { } why)
            {
                throw taken.Lost(why);
            }

            file.SetLength(taken._length);
            return taken;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that the lock is still this process's.</summary>
    /// <exception cref="RunLostException">It is not, or that cannot be told.</exception>
    public void Verify()
    {
        if ((WhyOpen() ?? WhyReplaced()) is { } why)
        {
            throw Lost(why);
        }
    }

    /// <summary>
    /// Lets the folder go. The file stays: removing a lock file would let two processes lock two files.
    /// </summary>
    public void Dispose() => _file.Dispose();

    private static FileStream Open(string path, FileMode mode) =>
        new(path, mode, FileAccess.ReadWrite, FileShare.None);

    private static FileStream? TryOpen(Func<string, FileMode, FileStream> open, string path, FileMode mode)
    {
        try
        {
            return open(path, mode);
        }
        catch (IOException exception) when (
            exception.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
    }

    private string? WhyOpen() => Explain(() =>
    {
        using FileStream? second = TryOpen(_open, _path, FileMode.Open);
        return second is null ? null : "a second open succeeded";
    });

    private string? WhyReplaced() => Explain(
        () => new FileInfo(_path).Length == _length ? null : "another file is in its place");

    private static string? Explain(Func<string?> look)
    {
        try
        {
            return look();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }

    private RunLostException Lost(string why) => new(
        $"The lock {_path} does not keep others out: {why}.",
        "Leave the lock file alone, DOTNET_SYSTEM_IO_DISABLEFILELOCKING unset, and the run on a file system with locks "
        + "(doctor --run DIR tries it); nothing more was written here.");
}
