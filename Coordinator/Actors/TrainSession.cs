using Distributed.Coordinator.Core;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>One life of a run: opens it, trains with local workers and those that join, leaves the results.</summary>
public static class TrainSession
{
    /// <summary>
    /// Compiles most kernels besides, while the first session of the process reads its data: its first step is earlier.
    /// </summary>
    private static readonly Lazy<Task<string>> s_numerics = new(() => Task.Run(() => NumericsFingerprint.Compute()));

    /// <summary>The version of this program.</summary>
    public static string Version { get; } =
        typeof(TrainSession).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Trains until all steps are done or the user wants to stop.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="display">Shows it to people.</param>
    /// <param name="stop">Ends after the step at hand, with a checkpoint.</param>
    /// <exception cref="ReportedException">Something that the user can mend.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static async Task<TrainResult> RunAsync(
        TrainOptions options, ITrainingDisplay display, CancellationToken stop)
    {
        _ = s_numerics.Value;
        using OpenedRun run = OpenedRun.Open(options, display.Note, TimeProvider.System);
        if (options.Trial is null)
        {
            // What reading and preparing left behind goes back to the system before workers take their memory.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        return RunEnding.Write(run, await TrainAsync(run, display, TimeProvider.System, stop));
    }

    private static async Task<TrainRecord> TrainAsync(
        OpenedRun run, ITrainingDisplay display, TimeProvider clock, CancellationToken stop)
    {
        int workers = run.Options.Workers ?? Environment.ProcessorCount;
        int threads = Math.Max(1, workers * run.Options.Threads);
        bool isLight = run.Options.Trial is not null;
        await using TrainRecorder recorder = new(
            run.Job, run.State, run.Validation, run.Folder, run.FirstStep, threads, isLight, display, clock);
        Outcome outcome = await TrainAsync(run, workers, recorder, clock, stop);
        await recorder.FlushAsync();
        return Record(recorder, outcome == Outcome.Stopped);
    }

    private static async Task<Outcome> TrainAsync(
        OpenedRun run, int workers, TrainRecorder recorder, TimeProvider clock, CancellationToken stop)
    {
        CoordinatorOptions options = await DescribeAsync(run);
        CoordinatorMachine machine = new(
            new Term((int)run.Folder.Term), new Step(run.FirstStep), run.Job.Schedule, options);
        using DataBlocks data = new(run.Job.Source, run.Folder["data.tmp"]);
        await using CoordinatorHost host = new(run.Job, run.State, machine, options, recorder, clock) { Data = data };
        await using RemoteWorkers? remote = run.Options.Trial is { Listens: false }
            ? null
            : await RemoteWorkers.StartAsync(
                run.Options, run.Options.Trial?.Secrets ?? run.Folder["secrets"], host, recorder.Note, clock);
        await using LocalWorkers local = new(host, run.Job, options.Version, options.Numerics, clock);
        await using CancellationTokenRegistration registration = stop.Register(host.Stop);
        for (int i = 0; i < workers; i++)
        {
            local.Start(run.Options.Threads);
        }

        CoordinatorEffect.Finish finish = await host.RunAsync();
        return finish.Outcome is Outcome.Completed or Outcome.Stopped
            ? finish.Outcome
            : throw new TrainingException(
                $"Training ended at {finish.Why}",
                "Lower --lr, or look at the data; checkpoints from before are intact and can be resumed.");
    }

    private static async Task<CoordinatorOptions> DescribeAsync(OpenedRun run)
    {
        CoordinatorOptions options = new()
        {
            Version = Version,
            Numerics = await s_numerics.Value,
            WorkersMin = run.Options.MinWorkers,
            CheckpointEvery = run.Options.CheckpointEvery ?? TrainOptions.DefaultCheckpointEvery,
            HasValidation = run.Validation is not null,
            KeepsWorkers = run.Options.Trial is { KeepsWorkers: true },
        };
        return run.Options.ValidateEveryEpoch || (run.Options.Trial is null && run.Validation is { ClassCount: > 0 })
            ? options with { ValidationGapMin = TimeSpan.Zero }
            : options;
    }

    private static TrainRecord Record(TrainRecorder recorder, bool isStopped) => new()
    {
        IsStopped = isStopped,
        StepsDone = recorder.StepsDone,
        LastLoss = recorder.LastLoss,
        ImagesPerSecond = recorder.ImagesPerSecond,
        StepTime = recorder.StepTime,
        Workers = recorder.Workers,
        RecomputedShards = recorder.RecomputedShards,
        StepMeans = recorder.StepMeans,
        LastEvaluation = recorder.LastEvaluation,
        LastPreview = recorder.LastPreview,
    };
}
