using System.Runtime.CompilerServices;

namespace Distributed.Coordinator.Tests;

/// <summary>
/// Plays Scenarios/*.txt. UPDATE_GOLDEN=1 writes what the machine says now; review it as the specification.
/// </summary>
public sealed class ScenarioTests
{
    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Folder(), "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public void Scenario_IsPlayedAsWritten(string name)
    {
        string path = Path.Combine(Folder(), name + ".txt");
        string[] lines = File.ReadAllLines(path);
        Assert.StartsWith("# ", lines[0], StringComparison.Ordinal);
        string actual = Transcript.Play(lines);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, actual);
        }

        Assert.Equal(string.Join('\n', lines) + "\n", actual);
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Scenarios");
}
