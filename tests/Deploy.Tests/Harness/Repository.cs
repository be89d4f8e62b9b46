using System.Runtime.CompilerServices;

namespace Distributed.Deploy.Tests.Harness;

/// <summary>The files of this repository.</summary>
internal static class Repository
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>The build that this test is of.</summary>
    public static string Configuration { get; } =
        AppContext.BaseDirectory.Split(Path.DirectorySeparatorChar).Contains("Debug") ? "Debug" : "Release";

    /// <summary>Path of a file.</summary>
    public static string PathOf(string name) => Path.Combine(Root, name);

    /// <summary>Text of a file.</summary>
    public static string Read(string name) => File.ReadAllText(PathOf(name));

    /// <summary>Lines of a file.</summary>
    public static string[] Lines(string name) => File.ReadAllLines(PathOf(name));

    /// <summary>The files that git would commit, copied to another folder: what a fresh clone has.</summary>
    public static async Task CloneAsync(string target)
    {
        Directory.CreateDirectory(target);
        ProgramResult result = await Shell.BashAsync(
            Root,
            "git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - "
            + $"| tar -xf - -C {target}");
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private static string Find([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
