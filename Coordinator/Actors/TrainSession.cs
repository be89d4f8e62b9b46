using Akka.Actor;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
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

    /// <summary>Opens a port that several runs may share.</summary>
    /// <exception cref="AccessException">The port is taken, or the token is none.</exception>
    public static async Task<CoordinatorNode> ListenAsync(NodeOptions options) =>
        CoordinatorNode.Start(options, Version, await s_numerics.Value, TimeProvider.System);

    /// <summary>As the other, with a port of the run's own, if it is to listen.</summary>
    public static Task<TrainResult> RunAsync(
        TrainOptions options, ITrainingDisplay display, CancellationToken stop) =>
        RunAsync(options, display, node: null, stop);

    /// <summary>Trains until all steps are done or the user wants to stop.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="display">Shows it to people.</param>
    /// <param name="stop">
    /// Ends after the step at hand, with a checkpoint; the run for all, unless the options say that this process alone
    /// is to end. The file <c>stop</c> in the run folder does the same.
    /// </param>
    /// <param name="node">The port that several runs share; null for the run's own, if it is to listen.</param>
    /// <exception cref="ReportedException">Something that the user can fix.</exception>
    /// <exception cref="AccessException">The port is taken, or the token is none.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    /// <exception cref="ActorFailedException">A fault of the program, in the actor that it names.</exception>
    public static async Task<TrainResult> RunAsync(
        TrainOptions options, ITrainingDisplay display, CoordinatorNode? node, CancellationToken stop)
    {
        if (options is { Workers: 0, Listen: null })
        {
            throw new ConfigurationException(
                "--workers 0 without --listen: nobody would ever compute.",
                "Give --listen HOST:PORT for workers that join, or leave --workers out.");
        }

        if (!PaceProbe.IsWanted(options))
        {
            if (options.Time is not null)
            {
                display.Note($"--time is not looked at: the run in {options.Run} goes on with the length that it has.");
            }

            return await RunOnceAsync(options, display, node, stop);
        }

        string run = options.Run ?? RunFolder.NewIn(options.RunsRoot, options.Configuration.Model, TimeProvider.System);
        RunFolder.CheckMayOpen(run, options.Resume);
        options = options with { Run = run };
        string secrets = options.Secrets ?? Path.Combine(run, "secrets");
        CoordinatorNode? own = null;
        using RunMetrics? metrics = options.Http is null ? null : new RunMetrics(TimeProvider.System);
        await using IAsyncDisposable? http = options.Http is { } address
            ? await ServeAsync(address, secrets, options.TokenFile, metrics!, display.Note)
            : null;
        try
        {
            if (options.Listen is { } listen && node is null)
            {
                node = own = await ListenAsync(
                    new NodeOptions(listen, options.Advertise, secrets, options.TokenFile));
            }

            options = await PaceProbe.FixStepsAsync(
                options, display, (probe, quiet) => RunOnceAsync(probe, quiet, node, stop));
            return await RunOnceAsync(options with { Served = metrics }, display, node, stop);
        }
        finally
        {
            if (own is not null)
            {
                await own.DisposeAsync();
            }
        }
    }

    private static async Task<TrainResult> RunOnceAsync(
        TrainOptions options, ITrainingDisplay display, CoordinatorNode? node, CancellationToken stop)
    {
        _ = s_numerics.Value;
        Task<ActorSystem>? local = options.Listen is null && node is null
            ? Task.Run(() => ActorSystems.CreateLocal("coordinator"))
            : null;
        CoordinatorNode? own = null;
        try
        {
            Action<string> note = options.Trial is { IsSilent: true } ? _ => { } : display.Note;
            using OpenedRun run = OpenedRun.Open(options, note, TimeProvider.System);
            if (options.Trial is null)
            {
                // What reading and preparing left behind goes back to the system before workers take their memory.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            if (options.Listen is not null && node is null)
            {
                node = own = await ListenAsync(new NodeOptions(
                    options.Listen, options.Advertise, options.Secrets ?? run.Folder["secrets"], options.TokenFile));
            }

            node?.Hold(new Term((int)run.Folder.Term));
            return await FinishAsync(run, node?.System ?? await local!, node, display, stop);
        }
        finally
        {
            if (own is not null)
            {
                await own.DisposeAsync();
            }

            if (local is not null)
            {
                _ = (await local).Terminate();
            }
        }
    }

    private static async Task<TrainResult> FinishAsync(
        OpenedRun run,
        ActorSystem system,
        CoordinatorNode? node,
        ITrainingDisplay display,
        CancellationToken stop)
    {
        TrainRecord record;
        TrainResult result;
        string why = "the run is finished";
        bool isForAll = true;
        try
        {
            record = await TrainAsync(run, system, node, display, stop);
            result = RunEnding.Write(run, record);
            isForAll = !record.IsStopped || record.IsStoppedForAll;
            why = record.IsStopped ? "the run was stopped" : why;
            run.Folder.Release(!record.IsStopped ? RunRelease.Finished
                : isForAll ? RunRelease.Stopped : RunRelease.Left);
        }
        catch (TrainingException exception)
        {
            why = $"the run failed: {exception.Message}";
            run.Folder.Release(RunRelease.Failed);
            throw;
        }
        finally
        {
            if (node is not null && isForAll && run.Options.Trial is null)
            {
                await node.DismissAsync(why, run.Options.Linger, display.Note);
            }
        }

        return result;
    }

    private static async Task<TrainRecord> TrainAsync(
        OpenedRun run, ActorSystem system, CoordinatorNode? node, ITrainingDisplay display, CancellationToken stop)
    {
        TrainOptions options = run.Options;
        RunMetrics? shown = options.Served ?? options.Trial?.Metrics;
        using RunMetrics? own = shown is null ? new(TimeProvider.System) : null;
        RunMetrics metrics = shown ?? own!;
        metrics.OnRun(run.Folder.Term, run.FirstStep);
        await using IAsyncDisposable? http = options is { Http: { } address, Served: null }
            ? await ServeAsync(
                address, options.Secrets ?? run.Folder["secrets"], options.TokenFile, metrics, display.Note)
            : null;
        bool isForAll = false;
        RunActors? started = null;
        CoordinatorSettings settings = await DescribeAsync(run, display, metrics);
        settings = settings with { OnStopRequest = () => Stop(forAll: true) };
        await using RunActors actors = started = await RunActors.StartAsync(system, settings);
        await using CancellationTokenRegistration registration = stop.Register(
            () => Stop(forAll: !run.Options.Leaving.IsCancellationRequested));
        await using RunWatch? watch = run.Options.Trial is null
            ? new RunWatch(run.Folder.Folder, OnStopFile, TimeProvider.System)
            : null;
        CoordinatorOrder.Finish finish;
        RunPort port = new(actors.Coordinator, run.Job.Gradients, settings.Traffic, actors.Fail);
        await using (node?.Open(port, actors.Note))
        {
            if (node is not null)
            {
                run.Folder.Announce($"{node.Advertised}");
            }
            else if (run.Options.Trial is null)
            {
                actors.Note(
                    "Workers of other processes cannot join: no port is open for them (--listen HOST:PORT)");
            }

            (int workers, int threads) = run.Options.LocalWorkers(Environment.ProcessorCount);
            for (int i = 0; i < workers; i++)
            {
                await actors.StartWorkerAsync(threads);
            }

            finish = await actors.Finished;
        }

        TrainRecord record = await actors.EndAsync();
        return finish.Outcome is Outcome.Completed or Outcome.Stopped
            ? record with { IsStopped = finish.Outcome == Outcome.Stopped, IsStoppedForAll = isForAll }
            : throw new TrainingException(
                $"Training ended at {finish.Why}",
                "Lower --lr, or look at the data; checkpoints from before are intact and can be resumed.");

        void OnStopFile()
        {
            actors.Note("Asked to stop: saving and ending");
            Stop(forAll: true);
        }

        void Stop(bool forAll)
        {
            isForAll |= forAll;
            started!.Stop(forAll);
        }
    }

    /// <summary>On its own, so that nothing of ASP.NET is loaded for those who don't ask for it.</summary>
    internal static async Task<IAsyncDisposable> ServeAsync(
        ListenAddress address, string secrets, string? tokenFile, RunMetrics metrics, Action<string> note)
    {
        SecretsFolder folder = SecretsFolder.Open(secrets, Token.Find(tokenFile), TimeProvider.System.GetUtcNow());
        HttpServer server = await HttpServer.StartAsync(address, folder, () => metrics.NotReady);
        note(server.Line);
        return server;
    }

    private static async Task<CoordinatorSettings> DescribeAsync(
        OpenedRun run, ITrainingDisplay display, RunMetrics metrics)
    {
        bool isTrial = run.Options.Trial is not null;
        RunFolder folder = run.Folder;
        TrainingJob job = run.Job;
        (int workers, int threadsOfEach) = run.Options.LocalWorkers(Environment.ProcessorCount);
        int threads = Math.Max(1, workers * threadsOfEach);
        Term term = new((int)folder.Term);
        TimeProvider clock = TimeProvider.System;
        JournalSettings journal = new(job, run.FirstStep, display, metrics)
        {
            OpenLog = () => new MetricsLog(folder["metrics.jsonl"], run.FirstStep, clock, folder.Guard.Check),
            OpenEvents = isTrial && !run.Options.Trial!.IsSilent
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
            Metrics = metrics,
            Run = Path.GetFileName(folder.Folder),
            DataSet = run.Options.Listen is null
                ? null // Only workers that join ask for data.
                : ActorProps.Blocking(() => new DataSetActor(job.Source)),
            LocalWorker = new LocalWorkers(job, term).Describe,
        };
    }

    /// <summary>What workers are told: those that join may have to fetch data.</summary>
    private static RunConfiguration PlanOf(OpenedRun run) => run.Options.Listen is null
        ? run.Job.Configuration
        : run.Job.Configuration with { DataIndex = run.Job.Source.Packed?.Index.Hash };

    private static async Task<CoordinatorOptions> BoundAsync(OpenedRun run)
    {
        CoordinatorOptions options = new()
        {
            Version = Version,
            Numerics = await s_numerics.Value,
            Plan = PlanOf(run).ToJson(),
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
