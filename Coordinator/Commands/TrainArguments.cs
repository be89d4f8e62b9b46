using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c>: those that decide the result, and those that say where and how.</summary>
internal sealed class TrainArguments
{
    /// <summary>Most local workers, and most threads of one.</summary>
    public const int WorkersMax = 1024;

    private readonly DataSettings _data = new();
    private readonly ModelSettings _model = new();
    private readonly OptimizationSettings _optimization = new();
    private readonly BatchSettings _batch = new();

    private readonly Option<bool> _validateEveryEpoch = StrictOptions.Flag(
        "--validate-every-epoch", "Validate after every epoch [at most every minute; every epoch for classes]");

    private readonly Option<int?> _repeat = StrictOptions.WholeNumber(
        "--repeat",
        "Runs with seeds from --seed on, in folders seed-N, also to resume; ends with mean and deviation [1]",
        1,
        1000);

    private readonly Option<string?> _run = StrictOptions.Text(
        "--run", "DIR", "The run folder [a new one under runs/]");

    private readonly Option<Resumption?> _resume = StrictOptions.Resume(
        "Go on with the run in --run, with its options where none are given again; auto: begin one if there is none");

    private readonly Option<bool> _orStandby = StrictOptions.Flag(
        "--or-standby", "With --run: as --resume=auto, or wait to take over while another coordinator has the run");

    private readonly Option<int?> _checkpointEvery = StrictOptions.WholeNumber(
        "--checkpoint-every",
        $"Steps between checkpoints; 0: one at the end only [{TrainOptions.DefaultCheckpointEvery}]",
        0);

    private readonly Option<int?> _workers = StrictOptions.WholeNumber(
        "--workers",
        "Local workers; 0: only those that join [1; with --threads as many as there are cores for]",
        0,
        WorkersMax);

    private readonly Option<int?> _threads = StrictOptions.WholeNumber(
        "--threads", "Threads of each worker [one a core; with --workers 1]", 1, WorkersMax);

    private readonly Option<ListenAddress?> _listen = StrictOptions.Address(
        "--listen", "Where workers of other processes are awaited [nowhere: no port is open]");

    private readonly Option<ListenAddress?> _http = StrictOptions.Address(
        "--http", "Where /healthz, /readyz and /metrics are served, apart from --listen [nowhere]");

    private readonly Option<HostPort?> _advertise = StrictOptions.HostAndPort(
        "--advertise", "With --listen: what workers are to call and dial this coordinator [where it listens]");

    private readonly Option<int?> _minWorkers = StrictOptions.WholeNumber(
        "--min-workers", "Workers that must be there before the first step [1]", 1, WorkersMax);

    private readonly Option<TimeSpan?> _linger = StrictOptions.Time(
        "--linger", "With --listen: longest stay at the end until all workers know of it [30s]");

    private readonly Option<string?> _secrets = StrictOptions.Text(
        "--secrets", "DIR", "Folder of the coordinator's key and tokens, made if missing [secrets in the run folder]");

    private readonly Option<string?> _tokenFile = StrictOptions.Text(
        "--token-file", "FILE", "File with the token that lets workers in [DISTRIBUTED_TOKEN, or that in --secrets]");

    private readonly Setting[] _settings;

    /// <summary>Makes them.</summary>
    public TrainArguments()
    {
        _settings = [.. _data.All, .. _model.All, .. _optimization.All, .. _batch.All];
    }

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
    [
        .. OfResult, _batch.Time, _validateEveryEpoch, _repeat, _run, _resume,
        _orStandby, _checkpointEvery, _workers, _threads, _listen, _advertise, _http, _minWorkers, _linger, _secrets,
        _tokenFile,
    ];

    /// <summary>Those that decide the result.</summary>
    public IEnumerable<Option> OfResult => _settings.Select(setting => setting.Option);

    /// <summary>Those that a standby takes: the rest comes from the run folder.</summary>
    public IEnumerable<Option> OfStandby => [_run, _listen, _advertise, _http, _linger, _secrets, _tokenFile];

    /// <summary>Names the run folder.</summary>
    public Option<string?> Run => _run;

    /// <summary>Whether to wait while another coordinator has the run.</summary>
    public Option<bool> OrStandby => _orStandby;

    /// <summary>Adds the options and their rules to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            command.Options.Add(option);
        }

        command.Options.Add(StrictOptions.Renamed("--leaf", "--shard"));
        command.Validators.Add(Check);
    }

    /// <summary>
    /// What was asked for. Where the command line is silent, the run that goes on speaks, and then the settings.
    /// </summary>
    /// <exception cref="ConfigurationException">A run is to be resumed where none is.</exception>
    /// <exception cref="DataException">The configuration of the run is damaged.</exception>
    public TrainOptions Read(ParseResult result, TrainSettings settings, IReadOnlyList<string> commandLine)
    {
        Resumption resume = result.GetValue(_resume)
            ?? (result.GetValue(_orStandby) ? Resumption.Auto : Resumption.None);
        return Read(result, settings, commandLine, resume);
    }

    /// <summary>As the other, with what to do about a run that is there.</summary>
    public TrainOptions Read(
        ParseResult result, TrainSettings settings, IReadOnlyList<string> commandLine, Resumption resume)
    {
        int? repeat = result.GetValue(_repeat);
        string? folder = resume == Resumption.None ? null : FindRun(result.GetValue(_run)!, repeat, resume);
        RunConfiguration? saved = folder is null ? null : ConfigurationFile.Find(folder);
        TrainOptions? before = folder is null ? null : OptionsFile.Find(folder);
        TrainOptions defaults = new();
        return defaults with
        {
            Configuration = _settings.Aggregate(
                saved ?? Recipe.Of(result.GetValue(_model.Name), result.GetValue(_data.Source)),
                (configuration, setting) => setting.Apply(configuration, result)),
            Saved = repeat is null ? saved : null,
            ValidateEveryEpoch = result.GetValue(_validateEveryEpoch) || before is { ValidateEveryEpoch: true },
            Repeat = repeat,
            Time = result.GetValue(_batch.Time),
            Run = result.GetValue(_run),
            Resume = resume,
            CheckpointEvery = result.GetValue(_checkpointEvery)
                ?? before?.CheckpointEvery ?? settings.CheckpointEvery,
            Workers = result.GetValue(_workers) ?? before?.Workers ?? settings.Workers,
            Threads = result.GetValue(_threads) ?? before?.Threads ?? settings.Threads,
            Listen = result.GetValue(_listen) ?? before?.Listen,
            Http = result.GetValue(_http) ?? before?.Http,
            Advertise = result.GetValue(_advertise) ?? before?.Advertise,
            Linger = result.GetValue(_linger) ?? before?.Linger ?? defaults.Linger,
            MinWorkers = result.GetValue(_minWorkers) ?? before?.MinWorkers ?? defaults.MinWorkers,
            Secrets = Full(result.GetValue(_secrets)) ?? before?.Secrets ?? Full(settings.Secrets),
            TokenFile = result.GetValue(_tokenFile) ?? before?.TokenFile,
            RunsRoot = settings.RunsRoot ?? defaults.RunsRoot,
            CommandLine = commandLine,
        };
    }

    /// <summary>A path that holds wherever the run is resumed from.</summary>
    private static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);

    /// <summary>The folder of the run that goes on, or of one of those that do; there may be none yet.</summary>
    private static string FindRun(string run, int? repeat, Resumption resume)
    {
        if (repeat is null)
        {
            RunFolder.CheckMayOpen(run, resume);
            return run;
        }

        RepeatedRuns.CheckMayResume(run, resume);
        return RepeatedRuns.FirstOf(run);
    }

    /// <summary>Finds options that exclude or need each other.</summary>
    private void Check(CommandResult result)
    {
        if (Setting.IsGiven(result, _resume) && !Setting.IsGiven(result, _run))
        {
            result.AddError("--resume does not say which run; name its folder with --run DIR.");
        }

        if (Setting.IsGiven(result, _orStandby) && (!Setting.IsGiven(result, _run) || Setting.IsGiven(result, _repeat)))
        {
            result.AddError("--or-standby is for one run; name its folder with --run DIR, and leave --repeat out.");
        }

        if (Setting.IsGiven(result, _batch.Time) && Setting.IsGiven(result, _repeat))
        {
            result.AddError("--time is for one run: with --repeat give --steps N, so that all have the same length.");
        }

        _model.Check(result);
        _batch.Check(result);
        _optimization.Check(result);
    }
}
