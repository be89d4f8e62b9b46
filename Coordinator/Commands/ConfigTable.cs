using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary><c>--show-config</c>: every option with its value, and where that is from.</summary>
/// <remarks>They count in this order: command line, environment, appsettings.json, the run that goes on.</remarks>
internal static class ConfigTable
{
    private const string Unset = "-";

    /// <summary>Where a run's files have an option that they call otherwise.</summary>
    private static readonly Dictionary<string, string> s_paths = new(StringComparer.Ordinal)
    {
        ["--data"] = "data.source",
        ["--validation-noisy"] = "noisyValidation",
        ["--optimizer"] = "optimizer.name",
        ["--lr"] = "optimizer.learningRate",
        ["--eps"] = "optimizer.epsilon",
        ["--eps-inside-root"] = "optimizer.epsilonInsideRoot",
        ["--lr-decay"] = "optimizer.learningRateDecay",
    };

    /// <summary>Options that are no part of a configuration.</summary>
    private static readonly string[] s_left = ["--show-config", "--json", "--help"];

    /// <summary>Writes a line for each option.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="result">What was typed and set.</param>
    /// <param name="typed">What was typed.</param>
    /// <param name="settings">What was set.</param>
    /// <param name="options">What that came to.</param>
    public static void Write(
        TextWriter writer,
        ParseResult result,
        IReadOnlyList<string> typed,
        IReadOnlyList<GivenSetting> settings,
        TrainOptions options)
    {
        (string File, JsonNode? Root)[] files = options.Saved is null
            ? []
            :
            [
                ("config.json", JsonNode.Parse(options.Saved.ToJson())),
                ("options.json", Parse(Path.Combine(options.Run!, "options.json"))),
            ];
        JsonNode asked = JsonNode.Parse(options.Configuration.ToJson())!;
        foreach (Option option in result.CommandResult.Command.Options
            .Where(option => !option.Hidden && !s_left.Contains(option.Name)))
        {
            (string value, string origin) = Find(option);
            writer.WriteLine($"{option.Name,-24} {value,-28} {origin}");
        }

        (string Value, string Origin) Find(Option option)
        {
            if (Setting.IsGiven(result.CommandResult, option))
            {
                string given = string.Join(',', result.GetResult(option)!.Tokens.Select(token => token.Value));
                return (
                    given.Length > 0 ? given : "true",
                    GivenSetting.IsTyped(typed, option.Name)
                        ? "command line"
                        : settings.First(setting => setting.Option == option.Name).Origin);
            }

            string path = s_paths.GetValueOrDefault(option.Name) ?? CamelCase(option.Name);
            foreach ((string file, JsonNode? root) in files)
            {
                if (Value(root, path) is { } value)
                {
                    return (value.ToString(), $"the run, {file}");
                }
            }

            // What is 0 is left to the model, or is off: the help says it better.
            string? effective = Value(asked, path)?.ToString();
            return (string.IsNullOrEmpty(effective) || effective == "0" ? Default(option) : effective, "default");
        }
    }

    /// <summary>What the help gives in brackets.</summary>
    private static string Default(Option option) =>
        GivenSetting.DefaultOf(option.Description) ?? (SettingsSource.IsSwitch(option) ? "false" : Unset);

    /// <summary>The value at a dotted path, or of that name anywhere within; null if there is none.</summary>
    private static JsonNode? Value(JsonNode? node, string path)
    {
        if (node is not JsonObject members)
        {
            return null;
        }

        string[] parts = path.Split('.', 2);
        return members[parts[0]] is { } found
            ? parts.Length == 1 ? (found is JsonValue ? found : null) : Value(found, parts[1])
            : parts.Length > 1 ? null
            : members.Select(member => Value(member.Value, path)).FirstOrDefault(value => value is not null);
    }

    private static JsonNode? Parse(string path) => File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;

    private static string CamelCase(string option)
    {
        string[] words = option[2..].Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
