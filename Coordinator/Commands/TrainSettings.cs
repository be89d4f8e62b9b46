using Distributed.Framework.Errors;
using Microsoft.Extensions.Configuration;

namespace Distributed.Coordinator.Commands;

/// <summary>
/// Defaults of <c>train</c> from the environment (<c>DISTRIBUTED_TRAIN__WORKERS=4</c>) or else from the section Train
/// of appsettings.json beside the program; null where both are silent.
/// </summary>
/// <param name="Workers">As <c>--workers</c>.</param>
/// <param name="Threads">As <c>--threads</c>.</param>
/// <param name="CheckpointEvery">As <c>--checkpoint-every</c>.</param>
/// <param name="Secrets">As <c>--secrets</c>.</param>
/// <param name="RunsRoot">Where runs without a folder of their own go.</param>
internal sealed record TrainSettings(
    int? Workers, int? Threads, int? CheckpointEvery, string? Secrets, string? RunsRoot)
{
    private const string Section = "Train";
    private static readonly string[] s_keys =
        [nameof(Workers), nameof(Threads), nameof(CheckpointEvery), nameof(Secrets), nameof(RunsRoot)];

    /// <summary>Reads them.</summary>
    /// <param name="open">Opens the environment over appsettings.json.</param>
    /// <exception cref="ConfigurationException">A key is unknown, or a value out of its range.</exception>
    public static TrainSettings Read(Func<IConfiguration> open)
    {
        IConfigurationSection section = Open(open).GetSection(Section);
        foreach (IConfigurationSection entry in section.GetChildren())
        {
            if (!s_keys.Contains(entry.Key, StringComparer.OrdinalIgnoreCase))
            {
                throw new ConfigurationException(
                    $"The setting {Name(entry.Key)} does not exist.",
                    $"Known are {string.Join(", ", s_keys.Select(Name))}.");
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
                $"The setting {Name(key)} is '{text}'; allowed is {StrictOptions.RangeText(min, max)}.",
                "Fix the environment variable, or appsettings.json beside the program.");
    }

    private static IConfiguration Open(Func<IConfiguration> open)
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
    private static string Name(string key) => $"{Section}:{key} (DISTRIBUTED_TRAIN__{key.ToUpperInvariant()})";
}
