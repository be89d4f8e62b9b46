using Distributed.Protocol;

namespace Distributed.Coordinator.Runs;

/// <summary>Lines for people to type.</summary>
internal static class ShellLine
{
    /// <summary>An argument as a shell takes it.</summary>
    public static string Quote(string argument) => ProgramName.Quote(argument);

    /// <summary>What to type to call one of our programs: as this one was called, if it is one of them.</summary>
    /// <param name="project">Coordinator or Worker.</param>
    /// <param name="path">Where the program that runs is; from a build folder it is <c>dotnet run</c>.</param>
    public static string Program(string project, string? path)
    {
        if (ProgramName.Find(project.ToLowerInvariant()) is { } name)
        {
            return name;
        }

        string[] parts = (path ?? "").Split('/', '\\');
        bool isBuild = parts.Contains("bin") && (parts.Contains("Release") || parts.Contains("Debug"));
        return isBuild ? $"dotnet run -c Release --project {project} --" : project.ToLowerInvariant();
    }
}
