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

    /// <summary>
    /// The folder whose configuration a resumed run goes by: of the least seed that is there, if runs are repeated.
    /// </summary>
    public static string FirstOf(string folder, int? repeat) =>
        repeat is null ? folder : FolderOf(folder, Seeds(folder).FirstOrDefault());

    /// <summary>Refuses to resume a folder that holds other things than repeated runs.</summary>
    /// <exception cref="ConfigurationException">It is no folder of repeated runs, nor empty.</exception>
    public static void CheckMayResume(string folder, bool resume)
    {
        if (resume && Directory.Exists(folder) && Seeds(folder).Length == 0
            && Directory.EnumerateFileSystemEntries(folder)
                .Any(entry => !Path.GetFileName(entry).StartsWith(Beginning, StringComparison.Ordinal)))
        {
            throw new ConfigurationException(
                $"The folder {folder} holds no repeated runs: there is no {Beginning}N with a config.json in it.",
                "Name the folder that --repeat was started with, or leave --repeat out to resume a single run; "
                + "nothing was written.");
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
            return IsAsSaved(options, SavedOptions.Read(options.Run!))
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
        result["seed"] = options.Data.Seed;
        Directory.CreateDirectory(options.Run!);
        AtomicFile.WriteAllText(Path.Combine(options.Run!, ResultName), result.ToJsonString() + "\n");
        return result;
    }

    private static uint[] Seeds(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateDirectories(folder, Beginning + "*")
            .Where(RunFolder.HasConfiguration)
            .Select(run => uint.TryParse(
                Path.GetFileName(run)[Beginning.Length..],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out uint seed) ? seed : (uint?)null)
            .OfType<uint>()
            .Order()]
        : [];

    /// <summary>Whether a result is that of the whole run: it may have been made longer, and cut off then.</summary>
    private static bool IsWhole(JsonObject result, TrainOptions options) => options.Epochs is { } epochs
        ? (double?)result["epochs"] >= epochs
        : (long?)result["steps"] >= (options.Steps ?? TrainOptions.DefaultSteps);

    /// <summary>Whether a configuration that was saved is what the options come to.</summary>
    private static bool IsAsSaved(TrainOptions options, TrainOptions saved)
    {
        TrainOptions recorded = options.AsRecorded();
        TrainOptions asked = new()
        {
            Data = recorded.Data,
            Shuffle = recorded.Shuffle,
            Model = recorded.Model,
            Conv = recorded.Conv,
            Init = recorded.Init,
            InitScheme = recorded.InitScheme,
            NoisyValidation = recorded.NoisyValidation,
            Loss = recorded.Loss,
            Reduction = recorded.Reduction,
            Optimizer = recorded.Optimizer,
            Schedule = recorded.Schedule,
            Warmup = recorded.Warmup,
            Batch = recorded.Batch,
            Shard = recorded.Shard ?? saved.Shard,
            Epochs = recorded.Epochs,
            Steps = recorded.Steps,
        };
        bool hasLayers = options.Layers is null || JsonNode.DeepEquals(options.Layers, saved.Layers);
        TrainOptions comparable = saved with { Layers = null, CommandLine = asked.CommandLine };
        return hasLayers && comparable == asked;
    }
}
