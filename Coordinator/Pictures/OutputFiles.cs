using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Pictures;

/// <summary>Files that a command writes for the user: whole or not there, and never over what must stay.</summary>
internal static class OutputFiles
{
    private static readonly StringComparison s_paths = OperatingSystem.IsLinux()
        ? StringComparison.Ordinal
        : StringComparison.OrdinalIgnoreCase;

    /// <summary>Refuses a file that exists, unless the user insists, and a folder always.</summary>
    /// <exception cref="ConfigurationException">It would be written over.</exception>
    public static void CheckFree(string path, bool force)
    {
        if (Directory.Exists(path))
        {
            throw new ConfigurationException($"{path} is a folder.", "Name a file in it.");
        }

        if (File.Exists(path) && !force)
        {
            throw new ConfigurationException(
                $"{path} exists already; nothing was written.", "Choose another name, or add --force to replace it.");
        }
    }

    /// <summary>Refuses to write over what is read.</summary>
    /// <exception cref="ConfigurationException">Both are one file.</exception>
    public static void CheckNotInput(string input, string output)
    {
        if (string.Equals(Resolve(input), Resolve(output), s_paths))
        {
            throw new ConfigurationException(
                $"{output} is the input itself; nothing was written.", "Choose another name for the output.");
        }
    }

    /// <summary>Writes a file in one piece, and the folder for it.</summary>
    /// <exception cref="ConfigurationException">It may not be written there.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(path, write);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException
            || (exception is IOException io && !AtomicFile.IsDiskFull(io)))
        {
            throw new ConfigurationException(
                $"{path} cannot be written: {exception.Message}",
                "Choose another place, or fix permissions.",
                exception);
        }
    }

    /// <summary>Whether two folders are one.</summary>
    public static bool AreSame(string first, string second) => string.Equals(
        Resolve(Path.TrimEndingDirectorySeparator(first)), Resolve(Path.TrimEndingDirectorySeparator(second)), s_paths);

    /// <summary>The path with links along it followed.</summary>
    private static string Resolve(string path)
    {
        string full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is not { } folder)
        {
            return full;
        }

        string here = Path.Combine(Resolve(folder), Path.GetFileName(full));
        FileSystemInfo info = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return info.Exists && info.ResolveLinkTarget(returnFinalTarget: true) is { } target ? target.FullName : here;
    }
}
