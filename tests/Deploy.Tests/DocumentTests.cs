using System.Text.RegularExpressions;
using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>What README, docs and deploy say agrees with the programs.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] s_commands =
    [
        "train", "standby", "status", "stop", "sweep", "reproduce", "evaluate", "denoise", "export", "secrets",
        "doctor",
    ];

    /// <summary>Every option on a line that begins with one of our programs is one of its help.</summary>
    [Fact]
    public async Task Options_Exist()
    {
        Dictionary<string, HashSet<string>> known = new() { ["worker"] = await OptionsAsync(Shell.Worker) };
        foreach (string command in s_commands)
        {
            known[command] = await OptionsAsync(Shell.Coordinator, command);
        }

        known["sweep"].UnionWith(known["train"]);
        List<string> faults = [];
        foreach (string name in Files())
        {
            foreach ((string program, string arguments) in Lines(Repository.Read(name)))
            {
                string[] words = [.. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
                string command = program == "worker" ? "worker" : words.FirstOrDefault() ?? "";
                if (known.TryGetValue(command, out HashSet<string>? options))
                {
                    faults.AddRange(Option().Matches(arguments).Select(match => match.Value)
                        .Where(option => option != "--help" && !options.Contains(option))
                        .Select(option => $"{name}: {program} {command} has no {option}"));
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public void Files_ThatAreNamed_AreThere()
    {
        List<string> faults = [];
        foreach (string name in Files())
        {
            faults.AddRange(Named().Matches(Repository.Read(name)).Select(match => match.Value.TrimEnd('.', '/'))
                .Where(path => !Path.Exists(Repository.PathOf(path))
                    && !path.Contains("/secrets", StringComparison.Ordinal)
                    && !path.Contains("/runs", StringComparison.Ordinal))
                .Select(path => $"{name} names {path}"));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults.Distinct()));
    }

    /// <summary>The page for operators has each exit code, and names no metric that README does not list.</summary>
    [Fact]
    public void Operations_HaveTheExitCodesAndMetrics()
    {
        string page = Repository.Read("docs/operations.md");
        Assert.All(
            typeof(Protocol.ExitCodes).GetFields().Select(field => $"{field.GetRawConstantValue()}"),
            code => Assert.Contains($"| {code} |", page, StringComparison.Ordinal));
        string[] metrics = [.. Metric().Matches(page).Select(match => match.Value).Distinct()];
        Assert.NotEmpty(metrics);
        Assert.All(metrics, metric => Assert.Contains(
            $"| `{metric}` |", Repository.Read("README.md"), StringComparison.Ordinal));
    }

    /// <summary>
    /// Goal: every line that the page for operators explains is one that a program writes. Method: what is left of it
    /// between names, numbers and dots is looked for in the source.
    /// </summary>
    [Fact]
    public void Operations_ExplainLinesThatAreWritten()
    {
        string source = string.Join('\n', new[] { "Coordinator", "Worker", "Protocol" }
            .SelectMany(folder => Directory.EnumerateFiles(
                Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal))
            .Select(File.ReadAllText));
        string all = Continued().Replace(source, "");
        string page = Repository.Read("docs/operations.md");
        int start = page.IndexOf("\n## Lines\n", StringComparison.Ordinal);
        string part = page[start..page.IndexOf("\n## ", start + 10, StringComparison.Ordinal)];
        string[] lines = [.. TableLine().Matches(part).SelectMany(row => Code().Matches(row.Groups[1].Value))
            .Select(code => code.Groups[1].Value)];
        Assert.True(lines.Length > 40);
        Assert.All(lines, line => Assert.All(
            Variable().Split(line).Select(words => words.Trim(' ', ',', ';', '.')).Where(words => words.Length > 3),
            words => Assert.True(all.Contains(words, StringComparison.Ordinal), $"{line}: '{words}'")));
    }

    private static IEnumerable<string> Files() => new[] { "README.md" }
        .Concat(Directory.EnumerateFiles(Repository.PathOf("docs"), "*.md").Select(Relative)
            .Where(name => !name.EndsWith("results.md", StringComparison.Ordinal)
                && !name.EndsWith("design.md", StringComparison.Ordinal)))
        .Concat(Directory
            .EnumerateFiles(Repository.PathOf("deploy"), "*", SearchOption.AllDirectories).Select(Relative))
        .Where(name => !name.Contains("/secrets/", StringComparison.Ordinal));

    private static string Relative(string path) =>
        Path.GetRelativePath(Repository.Root, path).Replace('\\', '/');

    /// <summary>Lines of ours, with those that go on after a backslash.</summary>
    private static IEnumerable<(string Program, string Arguments)> Lines(string text) => Line()
        .Matches(text.Replace("\\\n", " ", StringComparison.Ordinal))
        .Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static async Task<HashSet<string>> OptionsAsync(string program, params string[] command)
    {
        ProgramResult help = await Shell.RunAsync(Path.GetTempPath(), program, [.. command, "--help"]);
        Assert.True(help.ExitCode == 0, help.ToString());
        return [.. HelpLine().Matches(help.Output).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex(@"^ *(?:\S*/|\$ )?(coordinator|worker) +([a-z-][^#\n]*)", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<=[ =]|^)--[a-z][a-z-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"^  (?:-\S+, )*(--[a-z-]+)", RegexOptions.Multiline)]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"\b(?:deploy|docs)/[A-Za-z0-9_@./-]*[A-Za-z0-9]")]
    private static partial Regex Named();

    /// <summary>Where a text goes on in the next line of the source.</summary>
    [GeneratedRegex("\"\\s*\\+ \\$?\"")]
    private static partial Regex Continued();

    [GeneratedRegex(@"^\| (.*?) \| ", RegexOptions.Multiline)]
    private static partial Regex TableLine();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    /// <summary>What differs from line to line: NAME, a number, a reason.</summary>
    [GeneratedRegex(@"\b[A-Z]{4,}\b|\b(?:DIR|URL|[NTM])\b|\bwhy\b|\.\.\.|-?[0-9]+(?:/[0-9]+)?|[()\[\]]")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\bdistributed_[a-z_]+")]
    private static partial Regex Metric();
}
