using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Experiments;

/// <summary>Where the cells of an experiment are computed.</summary>
/// <param name="Parallel">Cells at once.</param>
/// <param name="Workers">Local workers of each cell.</param>
/// <param name="Listen">Where workers of other processes are awaited, cell after cell; null for nowhere.</param>
/// <param name="MinWorkers">Workers that must be there before a cell's first step.</param>
/// <param name="TokenFile">File of the workers' token.</param>
internal sealed record CellPlace(
    int Parallel, int Workers = 1, ListenAddress? Listen = null, int MinWorkers = 1, string? TokenFile = null);

/// <summary>Trains one cell in its folder, the way <c>train</c> does, or finds that it is done.</summary>
/// <param name="context">Its <see cref="CommandContext.Train"/> trains.</param>
/// <param name="settings">Defaults of <c>train</c>.</param>
/// <param name="folder">The experiment's folder.</param>
/// <param name="place">Where to compute.</param>
internal sealed class CellRunner(CommandContext context, TrainSettings settings, string folder, CellPlace place)
{
    /// <summary>Within it every worker that waits for a cell tries again.</summary>
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(7);

    /// <summary>The folder of a cell.</summary>
    public string FolderOf(Cell cell) => Path.Combine(folder, "cells", Cell.Slug(cell.Name));

    /// <summary>Opens what a cell reads if it is generated, so that others find it open.</summary>
    public PairSource?[] HoldData(Cell cell)
    {
        try
        {
            DataOptions data = TrainLine.Parse(cell.Words, settings).Configuration.Data;
            return data.Source == DataOptions.Synthetic
                ? [DataSources.OpenTraining(data), DataSources.OpenValidation(data)]
                : [];
        }
        catch (ReportedException)
        {
            return []; // The cell itself will say so.
        }
    }

    /// <summary>Lets the workers of other processes go, who wait for another cell.</summary>
    public async Task DismissWorkersAsync()
    {
        if (place.Listen is null)
        {
            return;
        }

        TrainOptions options = new() { Listen = place.Listen, TokenFile = place.TokenFile };
        FarewellHost farewell = new("the experiment is finished");
        await using RemoteWorkers door = await RemoteWorkers.StartAsync(
            options, Path.Combine(folder, "secrets"), farewell, _ => { }, context.Clock);
        await Task.Delay(s_farewell, context.Clock);
    }

    /// <summary>Runs a cell; goes on where an earlier life left it.</summary>
    /// <param name="cell">Which one.</param>
    /// <param name="display">Told of its progress.</param>
    /// <param name="stop">Ends it after the step at hand, with a checkpoint.</param>
    /// <exception cref="ReportedException">Something that the user can mend.</exception>
    public async Task<CellResult> RunAsync(
        Cell cell, ITrainingDisplay display, CancellationToken stop)
    {
        string run = FolderOf(cell);
        TrainOptions asked = TrainLine.Parse(cell.Words, settings);
        TrainOptions options = asked with
        {
            Run = run,
            Resume = Resumption.Auto,
            Workers = place.Workers,
            Threads = 1,
            Listen = place.Listen,
            MinWorkers = place.MinWorkers,
            TokenFile = place.TokenFile,
            CommandLine = ["train", .. cell.Words],
            ValidateEveryEpoch = asked.ValidateEveryEpoch || cell.ValidatesEachEpoch,
            Trial = new TrialOptions(
                Listens: place.Listen is not null,
                Secrets: Path.Combine(folder, "secrets"),
                KeepsWorkers: true),
        };
        try
        {
            TrainResult result = await context.Train(options, display, stop);
            CellResult done = Describe(cell, run, result);
            if (done.Status == CellStatus.Done)
            {
                CellRecord.Write(run, done);
            }

            return done;
        }
        catch (TrainingException exception)
        {
            CellResult diverged = new()
            {
                Cell = cell,
                Status = CellStatus.Diverged,
                Cause = exception.Message,
                Run = run,
                Epochs = CellHistory.Read(run),
            };
            CellRecord.Write(run, diverged);
            return diverged;
        }
    }

    private static CellResult Describe(Cell cell, string run, TrainResult result)
    {
        RunSummary summary = result.Summary;
        IReadOnlyList<CellEpoch> epochs = CellHistory.Read(run);
        return new CellResult
        {
            Cell = cell,
            Status = result.IsStopped ? CellStatus.Stopped : CellStatus.Done,
            Cause = result.IsStopped ? "stopped" : null,
            Run = run,
            Steps = summary.Steps,
            Loss = epochs.Count > 0 ? epochs[^1].Loss : summary.Loss,
            Psnr = summary.Psnr,
            PsnrMeanPerImage = summary.PsnrMeanPerImage,
            PsnrEstimated = summary.PsnrEstimated,
            InputPsnr = result.InputPsnr,
            Accuracy = summary.Accuracy,
            Seconds = Math.Max(summary.Seconds, CellHistory.Seconds(run)),
            WeightsSha256 = summary.WeightsSha256,
            Epochs = epochs,
        };
    }
}
