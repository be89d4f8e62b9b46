using System.Collections;
using System.CommandLine;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Worker;

/// <summary>
/// The worker's options from the environment: <c>DISTRIBUTED_WORKER__JOIN</c>, <c>DISTRIBUTED_WORKER__TOKENFILE</c> and
/// so on; what is typed wins.
/// </summary>
internal static class WorkerSettings
{
    private const string Prefix = "DISTRIBUTED_WORKER__";

    /// <summary>Those of this process.</summary>
    /// <param name="options">The program's options.</param>
    /// <exception cref="AccessException">A variable is no option's; exit code 2.</exception>
    public static IReadOnlyList<GivenSetting> Read(IEnumerable<Option> options) =>
        Read(options, Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(entry => ((string)entry.Key, (string?)entry.Value ?? "")));

    /// <summary>As the other, of any variables.</summary>
    public static IReadOnlyList<GivenSetting> Read(
        IEnumerable<Option> options, IEnumerable<(string Name, string Value)> variables) =>
    [
        .. variables
            .Where(variable => variable.Name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                && !string.IsNullOrWhiteSpace(variable.Value))
            .OrderBy(variable => variable.Name, StringComparer.Ordinal)
            .Select(variable => new GivenSetting(
                options.FirstOrDefault(
                    option => GivenSetting.IsKeyOf(variable.Name[Prefix.Length..], option.Name))?.Name
                    ?? throw Unknown(variable.Name),
                variable.Value,
                $"environment, {variable.Name}")),
    ];

    /// <summary>A line for each option: its value, and where that is from.</summary>
    public static void Show(
        TextWriter writer, ParseResult result, IReadOnlyList<string> typed, IReadOnlyList<GivenSetting> settings)
    {
        foreach (Option option in result.CommandResult.Command.Options
            .Where(option => !option.Hidden && option.HelpName is not null))
        {
            string? given = result.GetResult(option) is { Implicit: false } found
                ? string.Join(',', found.Tokens.Select(token => token.Value))
                : null;
            string origin = given is null ? "default"
                : GivenSetting.IsTyped(typed, option.Name) ? "command line"
                : settings.First(setting => setting.Option == option.Name).Origin;
            string value = given ?? GivenSetting.DefaultOf(option.Description) ?? "-";
            writer.WriteLine($"{option.Name,-16} {value,-28} {origin}");
        }
    }

    private static AccessException Unknown(string name) => new(
        $"The variable {name} is no option of this program.", "Take it away, or see: worker --help")
    {
        ExitCode = ExitCodes.Usage,
    };
}
