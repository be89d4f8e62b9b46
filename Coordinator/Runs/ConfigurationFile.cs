using System.Text.Json;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary><c>config.json</c>, which makes a folder a run's: the one place that reads and writes it.</summary>
internal static class ConfigurationFile
{
    /// <summary>Its name in the run folder.</summary>
    public const string Name = "config.json";

    private const string Remedy =
        "Restore it from a backup or a checkpoint's metadata, or start a new run with --run.";

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Whether a folder is that of a run.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, Name));

    /// <summary>What it holds; null if there is none.</summary>
    /// <exception cref="DataException">It is damaged, or cannot be read.</exception>
    public static RunConfiguration? Find(string folder) => IsIn(folder) ? Read(folder) : null;

    /// <summary>What it holds.</summary>
    /// <exception cref="DataException">It is missing, damaged, or cannot be read.</exception>
    public static RunConfiguration Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return Parse(File.ReadAllText(path), path, Remedy);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {exception.Message}", Remedy, exception);
        }
    }

    /// <summary>Reads a configuration that was found somewhere.</summary>
    /// <param name="json">The text.</param>
    /// <param name="place">Where it was.</param>
    /// <param name="remedy">What to do if it is none.</param>
    /// <exception cref="DataException">It is none.</exception>
    public static RunConfiguration Parse(string json, string place, string remedy)
    {
        try
        {
            return RunConfiguration.Parse(json);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new DataException(
                $"{place} holds no configuration of a run: {exception.Message}", remedy, exception);
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string folder, RunConfiguration configuration) => AtomicFile.WriteAllText(
        Path.Combine(folder, Name), configuration.ToJsonObject().ToJsonString(s_indented) + "\n");
}
