using System.Net;
using Akka.Actor;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>One life of a run: opens it, trains with local workers and those that join, leaves the results.</summary>
public static class TrainSession
{
    /// <summary>
    /// Compiles most kernels as well, while the first session of the process reads its data: its first step is earlier.
    /// </summary>
    private static readonly Lazy<Task<string>> s_numerics = new(() => Task.Run(() => NumericsFingerprint.Compute()));

    /// <summary>The version of this program.</summary>
    public static string Version { get; } =
        typeof(TrainSession).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Opens the data and compiles, which takes long and need not wait for the run's lock.</summary>
    /// <exception cref="ReportedException">Something that the user can fix.</exception>
    internal static RunData Prepare(RunConfiguration configuration)
    {
        _ = s_numerics.Value;
        return RunData.Open(configuration);
    }

    /// <summary>Trains until all steps are done or the user wants to stop.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="display">Shows it to people.</param>
    /// <param name="stop">
    /// Ends after the step at hand, with a checkpoint; the run for all, unless the options say that this process alone
    /// is to end. The file <c>stop</c> in the run folder does the same.
    /// </param>
    /// <exception cref="ReportedException">Something that the user can fix.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    /// <exception cref="ActorFailedException">A fault of the program, in the actor that it names.</exception>
    public static async Task<TrainResult> RunAsync(
        TrainOptions options, ITrainingDisplay display, CancellationToken stop)
    {
        if (options is { Workers: 0, Listen: null })
        {
            throw new ConfigurationException(
                "--workers 0 without --listen: nobody would ever compute.",
                "Give --listen HOST:PORT for workers that join, or leave --workers out.");
        }

        _ = s_numerics.Value;
        Task<ActorSystem> system = Task.Run(() => ActorSystems.CreateLocal("coordinator"));
        try
        {
            using OpenedRun run = OpenedRun.Open(options, display.Note, TimeProvider.System);
            if (options.Trial is null)
            {
                // What reading and preparing left behind goes back to the system before workers take their memory.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            TrainRecord record = await TrainAsync(run, await system, display, stop);
            TrainResult result = RunEnding.Write(run, record);
            run.Folder.Release(!record.IsStopped ? RunRelease.Finished
                : record.IsStoppedForAll ? RunRelease.Stopped : RunRelease.Left);
            return result;
        }
        finally
        {
            _ = (await system).Terminate();
        }
    }

    private static async Task<TrainRecord> TrainAsync(
        OpenedRun run, ActorSystem system, ITrainingDisplay display, CancellationToken stop)
    {
        using RunMetrics metrics = new();
        CoordinatorSettings settings = await DescribeAsync(run, display, metrics);
        await using RunActors actors = await RunActors.StartAsync(system, settings);
        LinkHost links = new(actors.Coordinator, run.Job.Gradients, metrics, settings.Traffic, actors.Fail);
        await using RemoteWorkers? remote = run.Options.Listen is null
            ? null
            : await RemoteWorkers.StartAsync(
                run.Options,
                run.Options.Trial?.Secrets ?? run.Folder["secrets"],
                links,
                actors.Note,
                TimeProvider.System);
        bool isForAll = false;
        await using CancellationTokenRegistration registration = stop.Register(
            () => Stop(forAll: !run.Options.Leaving.IsCancellationRequested));
        await using RunWatch? watch = run.Options.Trial is null
            ? new RunWatch(run.Folder.Folder, OnStopFile, TimeProvider.System)
            : null;
        if (remote is not null)
        {
            run.Folder.Announce($"{new IPEndPoint(run.Options.Listen!.Address, run.Options.Listen.Port)}");
        }
        else if (run.Options.Trial is null)
        {
            actors.Note("No port is open, so workers of other processes cannot join (--listen HOST:PORT)");
        }

        for (int i = 0; i < Workers(run); i++)
        {
            await actors.StartWorkerAsync(run.Options.Threads);
        }

        CoordinatorOrder.Finish finish;
        try
        {
            finish = await actors.Finished;
        }
        finally
        {
            links.CloseAll();
        }

        TrainRecord record = await actors.EndAsync();
        return finish.Outcome is Outcome.Completed or Outcome.Stopped
            ? record with { IsStopped = finish.Outcome == Outcome.Stopped, IsStoppedForAll = isForAll }
            : throw Failed(run, finish.Why);

        void OnStopFile()
        {
            actors.Note("Asked to stop: saving and ending");
            Stop(forAll: true);
        }

        void Stop(bool forAll)
        {
            isForAll |= forAll;
            actors.Stop(forAll);
        }
    }

    private static TrainingException Failed(OpenedRun run, string why)
    {
        run.Folder.Release(RunRelease.Failed);
        return new TrainingException(
            $"Training ended at {why}",
            "Lower --lr, or look at the data; checkpoints from before are intact and can be resumed.");
    }

    private static int Workers(OpenedRun run) => run.Options.Workers ?? Environment.ProcessorCount;

    private static async Task<CoordinatorSettings> DescribeAsync(
        OpenedRun run, ITrainingDisplay display, RunMetrics metrics)
    {
        bool isTrial = run.Options.Trial is not null;
        RunFolder folder = run.Folder;
        TrainingJob job = run.Job;
        int threads = Math.Max(1, Workers(run) * run.Options.Threads);
        Term term = new((int)folder.Term);
        TimeProvider clock = TimeProvider.System;
        JournalSettings journal = new(job, run.FirstStep, display, metrics)
        {
            OpenLog = () => new MetricsLog(folder["metrics.jsonl"], run.FirstStep, clock, folder.Guard.Check),
            OpenEvents = isTrial
                ? null
                : () => new TensorBoardWriter(folder.Folder, folder.Term, run.FirstStep, clock),
        };
        return new CoordinatorSettings
        {
            Job = job,
            State = run.State,
            Term = term,
            First = new Step(run.FirstStep),
            Options = await BoundAsync(run),
            Journal = ActorProps.Blocking(() => new JournalActor(journal)),
            Checkpoints = ActorProps.Blocking(
                () => new CheckpointActor(
                    new CheckpointStore(folder.Folder, guard: folder.Guard), job.Configuration.ToJson())),
            Evaluation = run.Validation is { } validation
                ? ActorProps.Blocking(
                    () => new EvaluationActor(job, validation, threads, isTrial ? null : folder["previews"]))
                : null,
            DataSet = run.Options.Listen is null
                ? null // Only workers that join ask for data.
                : ActorProps.Blocking(() => new DataSetActor(job.Source, folder["data.tmp"])),
            LocalWorker = new LocalWorkers(job, term).Describe,
        };
    }

    private static async Task<CoordinatorOptions> BoundAsync(OpenedRun run)
    {
        CoordinatorOptions options = new()
        {
            Version = Version,
            Numerics = await s_numerics.Value,
            Plan = run.Job.Configuration.ToJson(),
            WorkersMin = run.Options.MinWorkers,
            CheckpointEvery = run.Options.CheckpointEvery ?? TrainOptions.DefaultCheckpointEvery,
            HasValidation = run.Validation is not null,
            KeepsWorkers = run.Options.Trial is { KeepsWorkers: true },
        };
        return run.Options.ValidateEveryEpoch || (run.Options.Trial is null && run.Validation is { ClassCount: > 0 })
            ? options with { ValidationGapMin = TimeSpan.Zero }
            : options;
    }
}
