namespace Distributed.Protocol;

/// <summary>How the user called a program of ours, so that lines to type next are right as they stand.</summary>
public static class ProgramName
{
    private static readonly string[] s_programs = ["coordinator", "worker"];

    /// <summary>What to type to call a program of ours beside this one; null if this process is none of ours.</summary>
    /// <param name="program">coordinator or worker.</param>
    public static string? Find(string program) => Find(
        program,
        Words(),
        File.Exists,
        Environment.CurrentDirectory,
        Environment.GetEnvironmentVariable("PATH") ?? "");

    /// <summary>As the other, from what it goes by.</summary>
    /// <param name="program">coordinator or worker.</param>
    /// <param name="words">The words that started this process: a program, or dotnet and an assembly.</param>
    /// <param name="exists">Whether there is such a file.</param>
    /// <param name="directory">Where the user is.</param>
    /// <param name="searched">Folders in which programs are found by name.</param>
    /// <remarks>
    /// A bare name and a relative path stay as they were typed. An absolute path is a shell's or a service's: of a
    /// program on the PATH the name will do, of one in a build folder <c>dotnet run</c> where its project is at hand.
    /// A program that lies elsewhere than this one is called by its name.
    /// </remarks>
    public static string? Find(
        string program, IReadOnlyList<string> words, Func<string, bool> exists, string directory, string searched)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(words);
        ArgumentNullException.ThrowIfNull(exists);
        ArgumentNullException.ThrowIfNull(searched);
        bool isByDotnet = words.Count > 1 && Path.GetFileNameWithoutExtension(words[0]) == "dotnet";
        string own = words.Count == 0 ? "" : words[isByDotnet ? 1 : 0];
        if (!s_programs.Contains(Path.GetFileNameWithoutExtension(own)))
        {
            return null;
        }

        string folder = Path.GetDirectoryName(own) ?? "";
        string path = Path.GetFileNameWithoutExtension(own) == program
            ? own
            : own[..^Path.GetFileName(own).Length] + program + Path.GetExtension(own);
        if (path != own && (folder.Length > 0 || isByDotnet) && !exists(path))
        {
            return program;
        }

        if (isByDotnet)
        {
            return $"dotnet {Quote(path)}";
        }

        if (!Path.IsPathRooted(path))
        {
            return Quote(path);
        }

        string project = char.ToUpperInvariant(program[0]) + program[1..];
        string[] parts = folder.Split('/', '\\');
        return searched.Split(Path.PathSeparator).Contains(folder) ? program
            : parts.Contains("bin") && (parts.Contains("Release") || parts.Contains("Debug"))
                && exists(Path.Combine(directory, project, $"{project}.csproj"))
            ? $"dotnet run -c Release --project {project} --"
            : Quote(path);
    }

    /// <summary>What started this process; where the system does not tell what was typed, the path in full.</summary>
    private static string[] Words()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                return File.ReadAllText("/proc/self/cmdline").Split('\0');
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The path will do.
        }

        string path = Environment.ProcessPath ?? "";
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? ["dotnet", Environment.GetCommandLineArgs()[0]]
            : [path];
    }

    /// <summary>A word as a shell takes it.</summary>
    public static string Quote(string word) => word.Any(char.IsWhiteSpace) ? $"\"{word}\"" : word;
}
