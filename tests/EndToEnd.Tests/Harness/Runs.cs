using System.Text.Json;

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>What tests ask of a run.</summary>
internal static class Runs
{
    /// <summary>A small model, and batches that neither shards nor workers nor the data divide.</summary>
    public static string[] Small { get; } =
        ["train", "--json", "--model", "n2n-initial:channels=4", "--limit", "100", "--batch", "47", "--shard", "3"];

    /// <summary>The object in the last line of standard output.</summary>
    public static JsonElement Summary(ProcessResult result)
    {
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 0, result.ToString());
        return JsonDocument.Parse(lines[^1]).RootElement;
    }

    /// <summary>The hash of the weights of a run that ended well.</summary>
    public static string Sha(ProcessResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        return Summary(result).GetProperty("weightsSha256").GetString()!;
    }

    /// <summary>Steps of the checkpoints in a run folder, in order; those half-written do not count.</summary>
    public static int[] Checkpoints(string run)
    {
        string folder = Path.Combine(run, "checkpoints");
        return Directory.Exists(folder)
            ? [.. Directory.GetFiles(folder, "step-*.safetensors")
                .Select(path => int.Parse(Path.GetFileName(path)[5..^12])).Order()]
            : [];
    }

    /// <summary>Path of one.</summary>
    public static string Checkpoint(string run, int step) =>
        Path.Combine(run, "checkpoints", $"step-{step:D8}.safetensors");

    /// <summary>The step of every line of metrics.jsonl.</summary>
    public static int[] MetricSteps(string run) =>
    [
        .. File.ReadAllLines(Path.Combine(run, "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()),
    ];

    /// <summary>Flips a bit in the middle of a file.</summary>
    public static void Damage(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
