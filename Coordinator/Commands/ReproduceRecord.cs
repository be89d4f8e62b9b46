using System.Globalization;
using System.Text.Json;
using Distributed.Coordinator.Experiments;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Commands;

/// <summary>
/// The file <c>reproduce.json</c> in the folder of the results: of what size and on what data they are. Trials of
/// another size would not fit to those that are there.
/// </summary>
internal static class ReproduceRecord
{
    private const string FileName = "reproduce.json";

    /// <summary>Until 2026-11-29, when no noise was written down.</summary>
    private const string NoiseBefore = "resample:2";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };

    /// <summary>Finds that a folder is of another size. Writes nothing.</summary>
    /// <exception cref="ConfigurationException">It has another scale, other data, noise or repeats.</exception>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public static void Check(string folder, ReproduceSize size)
    {
        string path = Path.Combine(folder, FileName);
        if (File.Exists(path) && Read(path) is var saved && saved != Of(size))
        {
            throw new ConfigurationException(
                $"The results in {folder} were made with{Text(saved)}, not{Text(Of(size))}.",
                "Give the same again, or choose another folder with --run; nothing was written.");
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string folder, ReproduceSize size) => AtomicFile.WriteAllText(
        Path.Combine(folder, FileName), JsonSerializer.Serialize(Of(size), s_json) + "\n");

    private static Saved Of(ReproduceSize size) => new(
        size.Scale, size.Data, size.Repeat, size.Data is null ? ReproduceSize.SyntheticNoise : null);

    private static string Text(Saved saved) =>
        string.Create(CultureInfo.InvariantCulture, $" --scale {saved.Scale}")
        + (saved.Data is { } data ? $" --data {data}" : "")
        + (saved.Repeat is { } repeat ? string.Create(CultureInfo.InvariantCulture, $" --repeat {repeat}") : "")
        + (saved.Noise is { } noise ? $" and noise {noise}" : "");

    private static Saved Read(string path)
    {
        try
        {
            Saved saved = JsonSerializer.Deserialize<Saved>(File.ReadAllText(path), s_json)
                ?? throw new JsonException("It is null.");
            return saved is { Data: null, Noise: null } ? saved with { Noise = NoiseBefore } : saved;
        }
        catch (JsonException exception)
        {
            throw new DataException(
                $"{path} cannot be read: {exception.Message}", "Choose another folder with --run.", exception);
        }
    }

    /// <summary>What decides which trials there are.</summary>
    private sealed record Saved(double Scale, string? Data, int? Repeat, string? Noise);
}
