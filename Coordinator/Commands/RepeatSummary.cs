using System.Globalization;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Commands;

/// <summary>What runs that differ in their seed alone came to: mean and standard deviation of each figure.</summary>
/// <remarks>The deviation is the sample's, over N - 1; null for a single run.</remarks>
/// <param name="folder">Holds the runs' folders, and repeat.json.</param>
internal sealed class RepeatSummary(string folder)
{
    /// <summary>Figures of the runs' JSON of which there are means.</summary>
    private static readonly string[] s_figures =
    [
        "loss", "psnr", "psnrMeanPerImage", "psnrEstimated", "accuracy", "ssim", "validationLoss", "imagesPerSecond",
        "seconds",
    ];

    private readonly List<JsonObject> _runs = [];

    /// <summary>Holds the runs' folders.</summary>
    public string Folder { get; } = folder;

    /// <summary>The folder that was asked for, or a new one.</summary>
    public static string FolderOf(TrainOptions options, TimeProvider clock)
    {
        string time = clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        return options.Run ?? Path.Combine(options.RunsRoot, $"{time}-repeat");
    }

    /// <summary>Takes a run's result: the fields of its JSON, and its seed.</summary>
    public void Add(JsonObject run) => _runs.Add(run);

    /// <summary>
    /// One line of JSON: the fields of a run with their means, the deviations, and all runs. What differs from run to
    /// run and is no figure is null.
    /// </summary>
    public string ToJson() => ToJsonObject().ToJsonString();

    /// <summary>Writes the same into the folder.</summary>
    public void WriteFile()
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.WriteAllText(Path.Combine(Folder, "repeat.json"), ToJson() + "\n");
    }

    /// <summary>A line a figure.</summary>
    public void WriteText(TextWriter writer)
    {
        writer.WriteLine();
        writer.WriteLine($"{_runs.Count} runs in {Folder}: mean and standard deviation");
        foreach (string figure in s_figures)
        {
            if (Mean(figure) is { } mean)
            {
                string deviation = Deviation(figure) is { } value
                    ? value.ToString("0.####", CultureInfo.InvariantCulture)
                    : "-";
                writer.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"  {figure,-18} {mean:0.####} +- {deviation}"));
            }
        }
    }

    private JsonObject ToJsonObject()
    {
        JsonObject json = _runs[0].DeepClone().AsObject();
        json.Remove("seed");
        JsonObject deviations = [];
        foreach (string figure in s_figures)
        {
            json[figure] = Mean(figure);
            deviations[figure] = Deviation(figure);
        }

        json["recomputedShards"] = _runs.Sum(run => (long?)run["recomputedShards"] ?? 0);
        json["weightsSha256"] = null;
        json.Remove("emaSha256");
        json["run"] = Folder;
        json["repeat"] = _runs.Count;
        json["standardDeviation"] = deviations;
        json["runs"] = new JsonArray([.. _runs.Select(run => run.DeepClone())]);
        return json;
    }

    /// <summary>Null unless every run has the figure.</summary>
    private Spread? Over(string figure)
    {
        double?[] values = [.. _runs.Select(run => (double?)run[figure])];
        return values.Contains(null) ? null : Spread.Of(values);
    }

    private double? Mean(string figure) => Over(figure)?.Mean;

    private double? Deviation(string figure) => Over(figure) is { Count: > 1 } spread ? spread.Deviation : null;
}
