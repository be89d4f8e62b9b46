using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary><c>--show-config</c>: every option with its value, and where that is from.</summary>
/// <remarks>They count in this order: command line, environment, appsettings.json, the run that goes on.</remarks>
internal static class ConfigTable
{
    private const string Unset = "-";

    /// <summary>Where a configuration has an option that it calls otherwise.</summary>
    private static readonly Dictionary<string, string> s_paths = new(StringComparer.Ordinal)
    {
        ["--data"] = "data.source",
        ["--validation-noisy"] = "noisyValidation",
        ["--targets"] = "data.cleanTargets",
        ["--no-augment"] = "data.augment",
        ["--range"] = "data.rangeLow",
        ["--no-shuffle"] = "shuffle",
        ["--optimizer"] = "optimizer.name",
        ["--lr"] = "optimizer.learningRate",
        ["--betas"] = "optimizer.beta1",
        ["--eps"] = "optimizer.epsilon",
        ["--eps-inside-root"] = "optimizer.epsilonInsideRoot",
        ["--lr-decay"] = "optimizer.learningRateDecay",
    };

    /// <summary>How an option says what a configuration says otherwise.</summary>
    private static readonly Dictionary<string, Func<RunConfiguration, string?>> s_texts = new(StringComparer.Ordinal)
    {
        ["--targets"] = configuration => configuration.Data.CleanTargets ? "clean" : "noisy",
        ["--no-augment"] = configuration => Text(!configuration.Data.Augment),
        ["--range"] = configuration => configuration.Data is { RangeLow: { } low, RangeHigh: { } high }
            ? string.Create(CultureInfo.InvariantCulture, $"{low}:{high}")
            : null,
        ["--noise"] = configuration => configuration.Data.Noise ?? configuration.Data.NoiseIfClean,
        ["--no-shuffle"] = configuration => Text(!configuration.Shuffle),
        ["--betas"] = configuration => string.Create(
            CultureInfo.InvariantCulture, $"{configuration.Optimizer.Beta1},{configuration.Optimizer.Beta2}"),
    };

    /// <summary>What it means for a run that it has none; else what the help says.</summary>
    private static readonly Dictionary<string, string> s_withoutValue = new(StringComparer.Ordinal)
    {
        ["--holdout"] = "0",
        ["--windows"] = DataOptions.OneWindow,
        ["--epochs"] = Unset,
        ["--steps"] = Unset,
    };

    /// <summary>All that a configuration holds, also what its file leaves out for being as it always was.</summary>
    private static readonly JsonSerializerOptions s_whole = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver
        {
            Modifiers =
            {
                info =>
                {
                    foreach (JsonPropertyInfo property in info.Properties)
                    {
                        property.ShouldSerialize = (_, _) => true;
                    }
                },
            },
        },
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
        string? folder = options.Resume == Resumption.None ? null
            : options.Repeat is null ? options.Run : RepeatedRuns.FirstOf(options.Run!);
        RunConfiguration? saved = folder is null ? null : ConfigurationFile.Find(folder);
        JsonNode? before = saved is null ? null : Parse(Path.Combine(folder!, "options.json"));
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
            if (!TryFind(JsonSerializer.SerializeToNode(options.Configuration, s_whole), path, out JsonNode? value))
            {
                return TryFind(before, path, out value) && value is not null
                    ? (value.ToString(), "the run, options.json")
                    : (Default(option), "default");
            }

            string? text = Text(option.Name, options.Configuration, value);
            if (saved is not null)
            {
                TryFind(JsonSerializer.SerializeToNode(saved, s_whole), path, out JsonNode? savedValue);
                if (text == Text(option.Name, saved, savedValue))
                {
                    return (
                        text ?? s_withoutValue.GetValueOrDefault(option.Name) ?? Default(option),
                        "the run, config.json");
                }
            }

            // What is 0 is left to the model, or is off: the help says it better.
            return (string.IsNullOrEmpty(text) || text == "0" ? Default(option) : text, "default");
        }
    }

    private static string? Text(string option, RunConfiguration configuration, JsonNode? value) =>
        s_texts.TryGetValue(option, out Func<RunConfiguration, string?>? text)
            ? text(configuration)
            : value?.ToString();

    private static string Text(bool isSet) => isSet ? "true" : "false";

    /// <summary>What the help gives in brackets.</summary>
    private static string Default(Option option) =>
        GivenSetting.DefaultOf(option.Description) ?? (SettingsSource.IsSwitch(option) ? "false" : Unset);

    /// <summary>
    /// Whether there is something at a dotted path, or of that name anywhere within; it may be nothing.
    /// </summary>
    private static bool TryFind(JsonNode? node, string path, out JsonNode? value)
    {
        value = null;
        if (node is not JsonObject members)
        {
            return false;
        }

        string[] parts = path.Split('.', 2);
        if (members.TryGetPropertyValue(parts[0], out JsonNode? found))
        {
            value = found;
            return parts.Length > 1 ? TryFind(found, parts[1], out value) : found is null or JsonValue;
        }

        foreach ((_, JsonNode? member) in members)
        {
            if (parts.Length == 1 && TryFind(member, path, out value))
            {
                return true;
            }
        }

        return false;
    }

    private static JsonNode? Parse(string path) => File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;

    private static string CamelCase(string option)
    {
        string[] words = option[2..].Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
