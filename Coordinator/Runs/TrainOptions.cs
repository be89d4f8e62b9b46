using System.Text.Json.Serialization;
using Distributed.Coordinator.Http;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Runs;

/// <summary>What to do about a run that is in the folder already.</summary>
public enum Resumption
{
    /// <summary>Refuse it: this is to be a new run.</summary>
    None,

    /// <summary>Go on with it; refuse if there is none.</summary>
    Existing,

    /// <summary>Go on with it, or start one if there is none.</summary>
    Auto,
}

/// <summary>
/// What the user asked <c>train</c> for: the configuration, which decides the result, and where and how to compute it,
/// which does not. Null where a default depends on something else.
/// </summary>
/// <remarks>What is not ignored as JSON is kept in options.json, and a resumed run goes on with it.</remarks>
public sealed record TrainOptions
{
    /// <summary>Steps between checkpoints, unless the user says otherwise.</summary>
    public const int DefaultCheckpointEvery = 200;

    /// <summary>What the result depends on; what is derived is not there yet.</summary>
    [JsonIgnore]
    public RunConfiguration Configuration { get; init; } = Recipe.Of(model: null, data: null);

    /// <summary>The configuration that the folder had when it was read; null if it was not, or is of no run.</summary>
    [JsonIgnore]
    public RunConfiguration? Saved { get; init; }

    /// <summary>Whether to validate after every epoch, however short.</summary>
    public bool ValidateEveryEpoch { get; init; }

    /// <summary>Runs, one after the other, with one seed more each; null for one run.</summary>
    [JsonIgnore]
    public int? Repeat { get; init; }

    /// <summary>
    /// Wall time that the steps of a new run are to take, from which their number follows; null if that is given.
    /// </summary>
    [JsonIgnore]
    public TimeSpan? Time { get; init; }

    /// <summary>The run folder; null for a new one.</summary>
    [JsonIgnore]
    public string? Run { get; init; }

    /// <summary>What to do about a run that is in the folder.</summary>
    [JsonIgnore]
    public Resumption Resume { get; init; }

    /// <summary>Steps between checkpoints; 0 for one at the end only; null for the default.</summary>
    public int? CheckpointEvery { get; init; }

    /// <summary>Local workers, 0 for none; null for as many as <see cref="LocalWorkers"/> says.</summary>
    public int? Workers { get; init; }

    /// <summary>Threads of each local worker; null for as many as <see cref="LocalWorkers"/> says.</summary>
    public int? Threads { get; init; }

    /// <summary>Where workers of other processes are awaited; null for nowhere.</summary>
    public ListenAddress? Listen { get; init; }

    /// <summary>Where health and metrics are served; null for nowhere.</summary>
    public ListenAddress? Http { get; init; }

    /// <summary>What workers call and dial this coordinator; null for where it listens.</summary>
    public HostPort? Advertise { get; init; }

    /// <summary>Longest stay at the end until every worker that was ever welcomed knows of it.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Workers that must be ready before the first step.</summary>
    public int MinWorkers { get; init; } = 1;

    /// <summary>Folder of the coordinator's key and tokens; null for <c>secrets</c> in the run folder.</summary>
    public string? Secrets { get; init; }

    /// <summary>File of the workers' token; null for the environment's, or the one in the secrets.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Where runs without a folder of their own go.</summary>
    [JsonIgnore]
    public string RunsRoot { get; init; } = "runs";

    /// <summary>What is different if the run is one of an experiment; null if it is not.</summary>
    [JsonIgnore]
    public TrialOptions? Trial { get; init; }

    /// <summary>The lock of the run folder if this process has it already; the run's own from now on.</summary>
    internal RunLock? Lock { get; init; }

    /// <summary>The run's data if they are open already.</summary>
    internal RunData? Data { get; init; }

    /// <summary>What shows the run if it is served already; the run serves nothing of its own then.</summary>
    internal RunMetrics? Served { get; init; }

    /// <summary>
    /// Cancelled before the run is stopped if this process alone is to end, and another goes on with the run, or a
    /// resume. A stop without it ends the run for all.
    /// </summary>
    [JsonIgnore]
    public CancellationToken Leaving { get; init; }

    /// <summary>The program's arguments, for the record.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> CommandLine { get; init; } = [];

    /// <summary>
    /// What computes in the run's own process: one worker with a thread a core, whose threads share one replica; with
    /// workers given, one thread each; with threads given, as many workers as there are cores for.
    /// </summary>
    /// <param name="cores">Of this machine.</param>
    public (int Workers, int Threads) LocalWorkers(int cores) => (Workers, Threads) switch
    {
        (null, null) => (1, cores),
        (null, { } threads) => (Math.Max(1, cores / threads), threads),
        ({ } workers, _) => (workers, Threads ?? 1),
    };
}
