using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Commands;

/// <summary>The folders of <c>train --repeat</c>, and which of their runs are finished.</summary>
/// <remarks>
/// DIR/seed-N is the run of seed N. When it ends, result.json in it gets the fields of its JSON line; one that was cut
/// off has none.
/// </remarks>
internal static class RepeatedRuns
{
    private const string Beginning = "seed-";
    private const string ResultName = "result.json";

    /// <summary>The folder of a seed.</summary>
    public static string FolderOf(string folder, uint seed) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Beginning}{seed}"));

    /// <summary>The folder whose configuration resumed runs go by: of the least seed that is there.</summary>
    public static string FirstOf(string folder) => FolderOf(folder, Seeds(folder).FirstOrDefault());

    /// <summary>Refuses to resume a folder without repeated runs; to begin some, it must hold nothing else.</summary>
    /// <exception cref="ConfigurationException">There are none.</exception>
    public static void CheckMayResume(string folder, Resumption resume)
    {
        if (resume == Resumption.None || Seeds(folder).Length > 0)
        {
            return;
        }

        if (resume == Resumption.Existing || HoldsOtherThings(folder))
        {
            throw new ConfigurationException(
                $"The folder {folder} holds no repeated runs: there is no {Beginning}N with a config.json in it.",
                "Name the folder that --repeat was started with, or begin in an empty one with --resume=auto; leave "
                + "--repeat out to resume a single run; nothing was written.");
        }
    }

    /// <summary>The result of a run that is finished, and was asked for as it is now; else null.</summary>
    /// <remarks>Where anything differs, the run itself is resumed: it knows what may change.</remarks>
    public static JsonObject? ReadFinished(TrainOptions options)
    {
        string path = Path.Combine(options.Run!, ResultName);
        if (!File.Exists(path) || !File.Exists(Path.Combine(options.Run!, "model.safetensors")))
        {
            return null;
        }

        try
        {
            return ConfigurationFile.Find(options.Run!) is { } saved
                && options.Configuration.WithDerivedOf(saved) == saved
                && JsonNode.Parse(File.ReadAllText(path)) is JsonObject result
                && IsWhole(result, options)
                ? result
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return null; // Its figures are lost: the run ends once more, and writes them.
        }
    }

    /// <summary>Keeps the result of a run that is finished.</summary>
    /// <returns>The fields of its JSON line, and its seed.</returns>
    public static JsonObject WriteFinished(TrainOptions options, RunSummary summary)
    {
        JsonObject result = JsonNode.Parse(summary.ToJson())!.AsObject();
        result["seed"] = options.Configuration.Seed;
        Directory.CreateDirectory(options.Run!);
        AtomicFile.WriteAllText(Path.Combine(options.Run!, ResultName), result.ToJsonString() + "\n");
        return result;
    }

    private static uint[] Seeds(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateDirectories(folder, Beginning + "*")
            .Where(ConfigurationFile.IsIn)
            .Select(run => uint.TryParse(
                Path.GetFileName(run)[Beginning.Length..],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out uint seed) ? seed : (uint?)null)
            .OfType<uint>()
            .Order()]
        : [];

    private static bool HoldsOtherThings(string folder) => Directory.Exists(folder)
        && Directory.EnumerateFileSystemEntries(folder)
            .Any(entry => !Path.GetFileName(entry).StartsWith(Beginning, StringComparison.Ordinal));

    /// <summary>Whether a result is that of the whole run: it may have been made longer, and cut off then.</summary>
    private static bool IsWhole(JsonObject result, TrainOptions options) =>
        options.Configuration is { Epochs: { } epochs }
            ? (double?)result["epochs"] >= epochs
            : (long?)result["steps"] >= options.Configuration.Steps;
}
