using System.Text.Json.Nodes;
using Distributed.Coordinator.Core;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using static System.FormattableString;

namespace Distributed.Coordinator.Runs;

/// <summary>What a run folder tells of its run: who holds it, and how far it was a second ago.</summary>
/// <param name="Run">The run folder.</param>
/// <param name="Configuration">What is trained.</param>
/// <param name="Holder">Who holds it or held it last; null if that is not known.</param>
/// <param name="State">What can be told of that one.</param>
/// <param name="Silence">How long it has shown nothing.</param>
/// <param name="Last">The last step in metrics.jsonl; null before one.</param>
internal sealed record FolderStatus(
    string Run,
    RunConfiguration Configuration,
    RunHolder? Holder,
    HolderState? State,
    TimeSpan Silence,
    StepMetrics? Last)
{
    /// <summary>What the holder itself says; null if it was not asked, or did not answer.</summary>
    public RunStatus? Live { get; init; }

    /// <summary>Whether somebody holds the run, as far as can be told.</summary>
    public bool IsHeld => State is HolderState.Running or HolderState.Silent;

    /// <summary>Whether its last holder ended it for all.</summary>
    public bool IsOver => Holder is { Release: not (null or RunRelease.Left) };

    /// <summary>Reads it.</summary>
    /// <exception cref="ConfigurationException">There is no run.</exception>
    /// <exception cref="DataException">Its configuration is damaged.</exception>
    public static FolderStatus Read(string folder, TimeProvider clock)
    {
        string path = Path.GetFullPath(folder);
        RunConfiguration configuration = ConfigurationFile.Find(path) ?? throw new ConfigurationException(
            $"There is no run in {path}.", "Name the folder of a run with --run.");
        RunHolder? holder = RunHolder.Find(path);
        return new FolderStatus(
            path,
            configuration,
            holder,
            holder?.State(clock),
            holder?.Silence(clock) ?? TimeSpan.Zero,
            MetricsReader.ReadLast(Path.Combine(path, "metrics.jsonl")));
    }

    /// <summary>One line for people.</summary>
    public string ToLine()
    {
        string progress = Last is not { } last ? "no step yet" : Invariant(
            $"step {last.Step}{Of(Configuration.Steps)}, epoch {last.Epoch}{Of(Configuration.Epochs)}, ")
            + Invariant($"loss {last.Loss:G4}")
            + (IsHeld ? Invariant($", {last.ImagesPerSecond:0} images/s, {WorkerCount.Text(last.Workers)}") : "");
        return string.Join('\n', (string[])[$"{Run}: {progress}; {Describe()}", .. Live?.Workers.Select(ToLine) ?? []]);

        static string Of(int? total) => total is { } all ? Invariant($" of {all}") : "";
    }

    /// <summary>One JSON object on one line; what is not known is null.</summary>
    public string ToJson() => new JsonObject
    {
        ["run"] = Run,
        ["state"] = Word(),
        ["address"] = Holder?.Address,
        ["process"] = Holder?.Process,
        ["host"] = Holder?.Host,
        ["since"] = Holder?.Since,
        ["term"] = Holder?.Term,
        ["silentSeconds"] = IsHeld ? Math.Round(Silence.TotalSeconds, 1) : null,
        ["steps"] = Last?.Step ?? 0,
        ["stepsTotal"] = Configuration.Steps,
        ["epoch"] = Last?.Epoch,
        ["epochsTotal"] = Configuration.Epochs,
        ["loss"] = Finite(Last?.Loss),
        ["psnr"] = Finite(Live?.Psnr),
        ["imagesPerSecond"] = Finite(Last?.ImagesPerSecond),
        ["seconds"] = Finite(Last?.Seconds),
        ["workers"] = IsHeld ? Last?.Workers : 0,
        ["recomputedShards"] = Last?.RecomputedShards,
        ["members"] = Live is null ? null : new JsonArray([.. Live.Workers.Select(ToJson)]),
    }.ToJsonString();

    private static string ToLine(WorkerStatus worker) => Invariant($"  {worker.Name}  {worker.Kind} {worker.Host}  ")
        + Invariant($"{worker.Threads} threads  {worker.State}  {worker.ShardsPerSecond:0.0} shards/s  ")
        + Invariant($"heard {worker.SecondsSinceHeard:0.0} s ago");

    private static JsonObject ToJson(WorkerStatus worker) => new()
    {
        ["name"] = worker.Name,
        ["host"] = worker.Host,
        ["threads"] = worker.Threads,
        ["kind"] = worker.Kind.ToString().ToLowerInvariant(),
        ["state"] = worker.State,
        ["shardsPerSecond"] = Finite(worker.ShardsPerSecond),
        ["computeSeconds"] = Finite(worker.ComputeSeconds),
        ["secondsSinceHeard"] = Finite(worker.SecondsSinceHeard),
        ["bytesIn"] = worker.BytesIn,
        ["bytesOut"] = worker.BytesOut,
    };

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private string Word() => State switch
    {
        HolderState.Running => "running",
        HolderState.Silent => "silent",
        HolderState.Released => Holder!.Release!.Value.ToString().ToLowerInvariant(),
        _ => "nobody",
    };

    private string Describe()
    {
        string holder = Holder is null ? "" : Invariant($"{Holder.Name} (term {Holder.Term})");
        return State switch
        {
            HolderState.Running => $"held by {holder}",
            HolderState.Silent => Invariant(
                $"held by {holder}, silent for {Silence.TotalSeconds:0} s: stopped, cut off or dead"),
            HolderState.Gone => $"nobody runs it: {holder} died",
            HolderState.Released when Holder!.Release == RunRelease.Left => $"nobody runs it: {holder} left",
            HolderState.Released => Word(),
            _ => "nobody runs it",
        };
    }
}
