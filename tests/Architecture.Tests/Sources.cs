using System.Runtime.CompilerServices;

namespace Distributed.Architecture.Tests;

/// <summary>The source files of the repository, by their names relative to its root.</summary>
internal static class Sources
{
    private static readonly string[] s_skipped = ["bin", "obj", ".git", "artifacts", "runs"];

    public static IEnumerable<string> Files(string folder = "") => Walk(Path.Combine(Root(), folder))
        .Select(path => Path.GetRelativePath(Root(), path).Replace('\\', '/'))
        .Order(StringComparer.Ordinal);

    public static string[] Lines(string name) => File.ReadAllLines(Path.Combine(Root(), name));

    /// <summary>A file's text without whole-line comments.</summary>
    public static string Code(string name) => string.Join('\n', Lines(name)
        .Select(line => line.TrimStart())
        .Where(line => !line.StartsWith("//", StringComparison.Ordinal)));

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*.cs"))
        {
            yield return path;
        }

        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            if (!s_skipped.Contains(Path.GetFileName(inner)))
            {
                foreach (string path in Walk(inner))
                {
                    yield return path;
                }
            }
        }
    }

    private static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
