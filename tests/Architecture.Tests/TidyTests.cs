namespace Distributed.Architecture.Tests;

/// <summary>Rules of the house that a machine can check, so that reviewers need not.</summary>
public sealed class TidyTests
{
    private const int LineLengthMax = 120;
    private const int FileLinesMax = 400;

    /// <summary>Files allowed to be longer, each with its reason.</summary>
    private static readonly Dictionary<string, string> s_longFiles = [];

    [Fact]
    public void SourceFiles_KeepTheHouseRules()
    {
        List<string> faults = [];
        foreach (string name in Sources.Files())
        {
            string[] lines = Sources.Lines(name);
            if (lines.Length > FileLinesMax && !s_longFiles.ContainsKey(name))
            {
                faults.Add($"{name}: {lines.Length} lines; split it or give a reason in {nameof(s_longFiles)}");
            }

            for (int i = 0; i < lines.Length; i++)
            {
                faults.AddRange(LineFaults(lines[i]).Select(fault => $"{name}:{i + 1}: {fault}"));
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>A test that returns early counts as passed: what a machine lacks is said by FactWith.</summary>
    [Fact]
    public void Tests_NeverReturnEarly()
    {
        List<string> faults = [];
        foreach (string name in Sources.Files("tests"))
        {
            string[] lines = Sources.Lines(name);
            bool isTest = false;
            for (int i = 0; i < lines.Length; i++)
            {
                isTest = lines[i].StartsWith("    [Fact", StringComparison.Ordinal)
                    || lines[i].StartsWith("    [Theory", StringComparison.Ordinal)
                    || (isTest
                        && lines[i] != "    }"
                        && !lines[i].StartsWith("    private ", StringComparison.Ordinal));
                if (isTest && lines[i].Trim() == "return;")
                {
                    faults.Add($"{name}:{i + 1}: the test passes without having looked");
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static IEnumerable<string> LineFaults(string line)
    {
        if (line.Length > LineLengthMax)
        {
            yield return $"{line.Length} columns";
        }

        if (line.Any(character => !char.IsAscii(character)))
        {
            yield return "not ASCII";
        }

        if (line.Contains("FIX" + "ME", StringComparison.Ordinal)
            || line.Contains("TO" + "DO", StringComparison.Ordinal))
        {
            yield return "finish this before merging";
        }

        if (line.EndsWith(' ') || line.Contains('\t', StringComparison.Ordinal))
        {
            yield return "stray blanks";
        }
    }
}
