using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Experiments;

/// <summary>Where the trials of an experiment are computed.</summary>
/// <param name="Parallel">Trials at once.</param>
/// <param name="Workers">Local workers of each trial.</param>
/// <param name="Listen">Where workers of other processes are awaited, trial after trial; null for nowhere.</param>
/// <param name="MinWorkers">Workers that must be there before a trial's first step.</param>
/// <param name="TokenFile">File of the workers' token.</param>
/// <param name="Secrets">Folder of key and tokens; null for one in the experiment's folder.</param>
/// <param name="Http">Where health and metrics are served, from the first to the last trial; null for nowhere.</param>
internal sealed record TrialPlace(
    int Parallel,
    int Workers = 1,
    ListenAddress? Listen = null,
    int MinWorkers = 1,
    string? TokenFile = null,
    string? Secrets = null,
    ListenAddress? Http = null)
{
    /// <summary>Shows all trials, one after the other; null for nobody.</summary>
    public RunMetrics? Metrics { get; init; }
}

/// <summary>Trains one trial in its folder, the way <c>train</c> does, or finds that it is done.</summary>
/// <param name="train">Trains.</param>
/// <param name="folder">The experiment's folder.</param>
/// <param name="place">Where to compute.</param>
internal sealed class TrialRunner(ITrainCommand train, string folder, TrialPlace place)
{
    /// <summary>The same for all trials.</summary>
    private string Secrets => place.Secrets ?? Path.Combine(folder, "secrets");

    /// <summary>The folder of a trial.</summary>
    public string FolderOf(Trial trial) => ExperimentFolder.OfTrial(folder, trial);

    /// <summary>Opens what a trial reads if it is generated, so that others find it open.</summary>
    public PairSource?[] HoldData(Trial trial)
    {
        try
        {
            DataOptions data = train.Parse(trial.Arguments).Configuration.Data;
            return data.Source == DataOptions.Synthetic
                ? [DataSources.OpenTraining(data), DataSources.OpenValidation(data)]
                : [];
        }
        catch (ReportedException)
        {
            return []; // The trial itself will say so.
        }
    }

    /// <summary>Runs a trial; goes on where an earlier life left it.</summary>
    /// <param name="trial">Which one.</param>
    /// <param name="display">Told of its progress.</param>
    /// <param name="stop">Ends it after the step at hand, with a checkpoint.</param>
    /// <exception cref="ReportedException">Something that the user can fix.</exception>
    public async Task<TrialResult> RunAsync(
        Trial trial, ITrainingDisplay display, CancellationToken stop)
    {
        string run = FolderOf(trial);
        TrainOptions asked = train.Parse(trial.Arguments);
        TrainOptions options = asked with
        {
            Run = run,
            Resume = Resumption.Auto,
            Workers = place.Workers,
            Threads = 1,
            Listen = place.Listen,
            MinWorkers = place.MinWorkers,
            TokenFile = place.TokenFile,
            Secrets = Secrets,
            CommandLine = ["train", .. trial.Arguments],
            ValidateEveryEpoch = asked.ValidateEveryEpoch || trial.ValidatesEachEpoch,
            Trial = new TrialOptions(KeepsWorkers: true, place.Metrics),
        };
        try
        {
            TrainResult result = await train.RunAsync(options, display, stop);
            TrialResult done = Describe(trial, run, result);
            if (done.Status == TrialStatus.Done)
            {
                TrialRecord.Write(run, done);
            }

            return done;
        }
        catch (TrainingException exception)
        {
            TrialResult diverged = new()
            {
                Trial = trial,
                Status = TrialStatus.Diverged,
                Cause = exception.CommandLine.Cause,
                Run = run,
                Epochs = TrialHistory.Read(run).Epochs,
            };
            TrialRecord.Write(run, diverged);
            return diverged;
        }
    }

    private static TrialResult Describe(Trial trial, string run, TrainResult result)
    {
        RunSummary summary = result.Summary;
        TrialHistory history = TrialHistory.Read(run);
        IReadOnlyList<TrialEpoch> epochs = history.Epochs;
        return new TrialResult
        {
            Trial = trial,
            Status = result.IsStopped ? TrialStatus.Stopped : TrialStatus.Done,
            Cause = result.IsStopped ? "stopped" : null,
            Run = run,
            Steps = summary.Steps,
            Loss = epochs.Count > 0 ? epochs[^1].Loss : summary.Loss,
            Psnr = summary.Psnr,
            PsnrMeanPerImage = summary.PsnrMeanPerImage,
            PsnrEstimated = summary.PsnrEstimated,
            InputPsnr = result.InputPsnr,
            InputPsnrEstimated = result.InputPsnrEstimated,
            Accuracy = summary.Accuracy,
            Seconds = Math.Max(summary.Seconds, history.Seconds),
            WeightsSha256 = summary.WeightsSha256,
            EmaSha256 = summary.EmaSha256,
            Epochs = epochs,
        };
    }
}
