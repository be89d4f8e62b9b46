using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Runs;

/// <summary>
/// Keeps a second coordinator out of a run folder. The system drops it when the process ends, however.
/// </summary>
/// <remarks>
/// On Unix .NET takes <c>flock</c> on the file, which holds between processes and between handles of one process. A
/// locked file cannot be read through .NET, so the holder's process id is in a file of its own beside it.
/// </remarks>
internal sealed class RunLock : IDisposable
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _file;

    private RunLock(FileStream file)
    {
        _file = file;
    }

    /// <summary>Takes the lock of a folder that exists.</summary>
    /// <exception cref="ConfigurationException">Somebody else has it.</exception>
    public static RunLock Take(string folder)
    {
        string path = Path.Combine(folder, "lock");
        string holder = path + ".pid";
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (
            exception.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            throw new ConfigurationException(
                $"The run folder {folder} is in use by process {ReadHolder(holder)}.",
                "Wait for that run or stop it, or choose another folder with --run.",
                exception);
        }

        try
        {
            File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch
        {
            file.Dispose();
            throw;
        }

        return new RunLock(file);
    }

    /// <summary>
    /// Lets the folder go. The files stay: removing a lock file would let two processes lock two files.
    /// </summary>
    public void Dispose() => _file.Dispose();

    private static string ReadHolder(string path)
    {
        try
        {
            using StreamReader reader = new(path);
            char[] digits = new char[10];
            int count = reader.ReadBlock(digits);
            return int.TryParse(digits.AsSpan(0, count), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? id.ToString(CultureInfo.InvariantCulture)
                : "(unknown)";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "(unknown)";
        }
    }
}
