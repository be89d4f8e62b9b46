using Distributed.Framework.Errors;
using Microsoft.Extensions.Configuration;

namespace Distributed.Coordinator.Commands;

/// <summary>
/// Settings that more commands than <c>train</c> go by; null where nobody has set them. See also
/// <see cref="SettingsSource"/>.
/// </summary>
/// <param name="Workers">As <c>--workers</c>.</param>
/// <param name="Threads">As <c>--threads</c>.</param>
/// <param name="CheckpointEvery">As <c>--checkpoint-every</c>.</param>
/// <param name="Secrets">As <c>--secrets</c>.</param>
/// <param name="RunsRoot">Where runs without a folder of their own go.</param>
internal sealed record TrainSettings(
    int? Workers, int? Threads, int? CheckpointEvery, string? Secrets, string? RunsRoot)
{
    /// <summary>Reads them.</summary>
    /// <param name="open">Opens the environment over appsettings.json.</param>
    /// <exception cref="ConfigurationException">A key is unknown, or a value out of its range.</exception>
    public static TrainSettings Read(Func<IConfiguration> open)
    {
        IConfigurationSection section = SettingsSource.Open(open).GetSection(SettingsSource.Section);
        foreach (IConfigurationSection entry in section.GetChildren())
        {
            if (!SettingsSource.IsKnown(entry.Key))
            {
                throw new ConfigurationException(
                    $"The setting {SettingsSource.Name(entry.Key)} does not exist.",
                    $"Known are {SettingsSource.RunsRoot}, and the options of train without their dashes.");
            }
        }

        return new TrainSettings(
            Number(nameof(Workers), 0, TrainArguments.WorkersMax),
            Number(nameof(Threads), 1, TrainArguments.WorkersMax),
            Number(nameof(CheckpointEvery), 0, int.MaxValue),
            Text(nameof(Secrets)),
            Text(nameof(RunsRoot)));

        string? Text(string key) => string.IsNullOrWhiteSpace(section[key]) ? null : section[key];

        int? Number(string key, int min, int max) => Text(key) is not { } text
            ? null
            : StrictOptions.ParseWholeNumber(text, min, max) ?? throw new ConfigurationException(
                $"The setting {SettingsSource.Name(key)} is '{text}'; allowed is {StrictOptions.RangeText(min, max)}.",
                "Fix the environment variable, or appsettings.json beside the program.");
    }
}
