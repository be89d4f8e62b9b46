using System.CommandLine;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Microsoft.Extensions.Configuration;

namespace Distributed.Coordinator.Commands;

/// <summary>
/// Every option of <c>train</c> may be set as well: in the environment (<c>DISTRIBUTED_TRAIN__MINWORKERS=3</c>), or
/// else in the section Train of appsettings.json beside the program (<c>"MinWorkers": 3</c>).
/// </summary>
internal static class SettingsSource
{
    /// <summary>The section, and what begins its variables.</summary>
    public const string Section = "Train";

    /// <summary>A setting that is no option: where new run folders go.</summary>
    public const string RunsRoot = "RunsRoot";

    /// <summary>Options that make no sense where they are not typed.</summary>
    private static readonly string[] s_typedOnly = ["--show-config", "--help", "--leaf"];

    /// <summary>The settings of a command's options.</summary>
    /// <param name="open">Opens the environment over appsettings.json.</param>
    /// <param name="command"><c>train</c>, or one that takes some of its options.</param>
    /// <exception cref="ConfigurationException">A value is not allowed, or the file cannot be read.</exception>
    public static IReadOnlyList<GivenSetting> Read(Func<IConfiguration> open, Command command)
    {
        IConfiguration configuration = Open(open);
        List<GivenSetting> settings = [];
        foreach (IConfigurationSection entry in configuration.GetSection(Section).GetChildren())
        {
            if (!string.IsNullOrWhiteSpace(entry.Value)
                && Options(command).FirstOrDefault(
                    option => GivenSetting.IsKeyOf(entry.Key, option.Name)) is { } option)
            {
                Check(option, entry.Key, entry.Value);
                settings.Add(new GivenSetting(option.Name, entry.Value, Origin(configuration, entry)));
            }
        }

        return settings;
    }

    /// <summary>A command's arguments, with the settings of the options that they lack.</summary>
    /// <exception cref="ConfigurationException">A value is not allowed, or the file cannot be read.</exception>
    public static IReadOnlyList<string> Complete(
        IReadOnlyList<string> arguments, Command command, Func<IConfiguration> open) =>
        GivenSetting.Complete(
            arguments,
            Read(open, command),
            name => IsSwitch(command.Options.Single(option => option.Name == name)));

    /// <summary>Whether a key is one of an option of <c>train</c>.</summary>
    public static bool IsKnown(string key) =>
        key.Equals(RunsRoot, StringComparison.OrdinalIgnoreCase)
        || new TrainArguments().All.Any(option => GivenSetting.IsKeyOf(key, option.Name));

    /// <summary>The environment over appsettings.json.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read.</exception>
    public static IConfiguration Open(Func<IConfiguration> open)
    {
        try
        {
            return open();
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or IOException)
        {
            throw new ConfigurationException(
                $"appsettings.json cannot be read: {(exception.InnerException ?? exception).Message}",
                $"Fix or remove it; it is in {AppContext.BaseDirectory}.",
                exception);
        }
    }

    /// <summary>The key as a file has it, and as the environment has it.</summary>
    public static string Name(string key) => $"{Section}:{key} ({Variable(key)})";

    /// <summary>Whether an option takes no value.</summary>
    public static bool IsSwitch(Option option) => option.Arity.MaximumNumberOfValues == 0;

    private static IEnumerable<Option> Options(Command command) =>
        command.Options.Where(option => !s_typedOnly.Contains(option.Name));

    private static string Variable(string key) => $"DISTRIBUTED_TRAIN__{key.ToUpperInvariant()}";

    private static void Check(Option option, string key, string value)
    {
        string? fault = null;
        if (IsSwitch(option))
        {
            fault = GivenSetting.IsSwitchValue(value) ? null : "allowed is true or false.";
        }
        else
        {
            Command alone = new("alone");
            alone.Options.Add(option);
            fault = alone.Parse([$"{option.Name}={value}"]).Errors.Select(error => error.Message).FirstOrDefault();
        }

        if (fault is not null)
        {
            throw new ConfigurationException(
                $"The setting {Name(key)} is '{value}': {fault}",
                "Fix the environment variable, or appsettings.json beside the program.");
        }
    }

    private static string Origin(IConfiguration configuration, IConfigurationSection entry)
    {
        bool isOfFile = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(
            provider => provider.TryGet(entry.Path, out _)) is FileConfigurationProvider;
        return isOfFile ? $"appsettings.json, {Section}:{entry.Key}" : $"environment, {Variable(entry.Key)}";
    }
}
