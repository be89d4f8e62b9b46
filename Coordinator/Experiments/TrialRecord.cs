using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Experiments;

/// <summary>The file that says that a trial is over: <c>trial.json</c> in its folder, written last.</summary>
internal static class TrialRecord
{
    private const string FileName = "trial.json";
    private const string FileNameBefore = "cell.json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        WriteIndented = true,
    };

    /// <summary>What an earlier life of the experiment left; null if the trial is not over, or not the same.</summary>
    /// <param name="folder">The trial's folder.</param>
    /// <param name="trial">As it is wanted now; other options than those of the record make the record void.</param>
    public static TrialResult? Read(string folder, Trial trial)
    {
        string path = Path.Combine(folder, FileName);
        path = File.Exists(path) ? path : Path.Combine(folder, FileNameBefore);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            TrialResult? result = Parse(File.ReadAllText(path));
            return result is not null && result.Trial.Arguments.SequenceEqual(trial.Arguments)
                && (result.Trial.ValidatesEachEpoch || !trial.ValidatesEachEpoch)
                ? result with { Trial = trial, Run = folder }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string folder, TrialResult result) =>
        AtomicFile.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(result, s_json) + "\n");

    private static TrialResult? Parse(string text)
    {
        if (JsonNode.Parse(text) is not JsonObject json)
        {
            return null;
        }

        ExperimentFolder.Rename(json, "cell", "trial");
        if (json["trial"] is JsonObject trial)
        {
            ExperimentFolder.RenameArguments(trial);
            ExperimentFolder.Rename(trial, "group", "configuration");
        }

        return json.Deserialize<TrialResult>(s_json);
    }
}
