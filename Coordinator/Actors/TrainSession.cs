using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>What a run came to.</summary>
/// <param name="Summary">The numbers.</param>
/// <param name="IsStopped">Whether the user stopped it before its last step.</param>
/// <param name="InputPsnr">PSNR of the noisy validation images themselves; null without clean ones.</param>
/// <param name="PreviewPath">The last picture; null if there is none.</param>
public sealed record TrainResult(RunSummary Summary, bool IsStopped, double? InputPsnr, string? PreviewPath)
{
    /// <summary>Whether PSNR was estimated from noisy pairs, for lack of clean images.</summary>
    public bool IsEstimated { get; init; }
}

/// <summary>One life of a run: opens data and run folder, trains with local workers, leaves the results.</summary>
public sealed class TrainSession
{
    /// <summary>
    /// What a resumed run may change: paths (hashes tell whether the data are the same), and also the length, unless
    /// rates or loss depend on it.
    /// </summary>
    private static readonly HashSet<string> s_mayChange = ["init", "data.source", "data.validation"];

    /// <summary>
    /// Compiles most kernels besides, while the first session of the process reads its data: its first step is earlier.
    /// </summary>
    private static readonly Lazy<Task<string>> s_numerics = new(() => Task.Run(() => NumericsFingerprint.Compute()));

    private readonly TrainOptions _options;
    private readonly ITrainingDisplay _display;
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly PairSource? _validation;
    private readonly TrainingJob _job;
    private readonly Optimizer _optimizer;
    private readonly int _workers;
    private float[] _initial;

    private TrainSession(TrainOptions options, ITrainingDisplay display)
    {
        _options = options;
        _display = display;
        _workers = options.Workers ?? Environment.ProcessorCount;
        PairSource source = DataSources.OpenTraining(options.Data);
        _validation = DataSources.OpenValidation(options.Data);
        if (_validation is not null && options.NoisyValidation)
        {
            CheckStoredPairs(_validation, "--validation-noisy", DataSources.ValidationOf(options.Data));
            _validation = new NoisyTargets(_validation);
        }

        Sequential layers = options.Layers is { } saved
            ? ModelSpec.Parse(saved.ToJsonString(), options.Model)
            : ModelLoader.FindLayers(options.Model, source.Shape.C);
        Model model = new(layers, ConvolutionAlgorithms.Parse(options.Conv));
        TrainingJob.CompileFor(model, options.Model, source);
        if (_validation is not null && _validation.Shape != source.Shape)
        {
            throw new ConfigurationException(
                $"Validation images are {_validation.Shape}, training images {source.Shape}.",
                "Give images of one size, or --crop N.");
        }

        _initial = new float[model.StateCount];
        model.InitializeBuffers(_initial);
        if (options.Init is { } file)
        {
            StateDict.Read(file).CopyTo(model, _initial);
        }
        else
        {
            Initializer.Parse(options.InitScheme).Fill(model, options.Data.Seed, _initial);
        }

        _optimizer = options.Optimizer.Create(model.ParameterCount);
        _job = new TrainingJob(Configure(layers, source), source);
    }

    /// <summary>The version of this program.</summary>
    public static string Version { get; } =
        typeof(TrainSession).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Refuses to take targets for noisy that are known not to be.</summary>
    internal static void CheckStoredPairs(PairSource source, string option, string? name)
    {
        if (source is not StoredPairSource)
        {
            throw new ConfigurationException(
                $"{option} does not apply to {name}: its images are clean and their noise is made, "
                + "or they have classes.",
                $"Leave {option} out, or give a file of (noisy, noisy) pairs.");
        }
    }

    /// <summary>Trains until all steps are done or the user wants to stop.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="display">Shows it to people.</param>
    /// <param name="stop">Ends after the step at hand, with a checkpoint.</param>
    /// <exception cref="ReportedException">Something that the user can mend.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static Task<TrainResult> RunAsync(
        TrainOptions options, ITrainingDisplay display, CancellationToken stop)
    {
        _ = s_numerics.Value;
        return new TrainSession(options, display).RunAsync(stop);
    }

    private TrainingConfiguration Configure(Sequential layers, PairSource source)
    {
        TrainOptions options = _options.AsRecorded();
        return new TrainingConfiguration
        {
            Model = options.Model,
            Layers = ModelSpec.Write(layers),
            Data = options.Data,
            DataHash = source.ContentHash,
            ValidationHash = _validation?.ContentHash,
            NoisyValidation = options.NoisyValidation,
            Loss = options.Loss,
            Reduction = options.Reduction,
            Optimizer = options.Optimizer,
            Schedule = options.Schedule,
            Warmup = options.Warmup,
            Batch = options.Batch,
            Shard = options.Shard ?? Catalogue.DefaultShard(options.Model, layers),
            Epochs = options.Epochs,
            Steps = options.Steps,
            Shuffle = options.Shuffle,
            Seed = options.Data.Seed,
            Init = options.Init,
            Conv = options.Conv,
            InitScheme = options.InitScheme,
            InitialWeightsSha256 = Hash(_initial),
        };
    }

    private async Task<TrainResult> RunAsync(CancellationToken stop)
    {
        JsonObject configuration = _job.Configuration.ToJsonObject();
        using RunFolder folder = RunFolder.Open(
            new RunFolderOptions(
                configuration,
                _options.Model,
                _options.Run,
                _options.Resume,
                _job.DependsOnLength ? s_mayChange : new HashSet<string>(s_mayChange) { "epochs", "steps" },
                _options.CommandLine,
                _options.RunsRoot),
            _clock);
        _display.Note($"Run folder {folder.Folder}");
        if (DataSources.PassedOver(_options.Data) is { } passedOver)
        {
            _display.Note(passedOver);
        }

        (TrainingState state, int first) = Restore(folder);
        _initial = [];
        CoordinatorOptions options = new()
        {
            Version = Version,
            Numerics = await s_numerics.Value,
            WorkersMin = _options.MinWorkers,
            CheckpointEvery = _options.CheckpointEvery ?? TrainOptions.DefaultCheckpointEvery,
            HasValidation = _validation is not null,
            KeepsWorkers = _options.Part is { KeepsWorkers: true },
        };
        if (_options.ValidateEveryEpoch || (_options.Part is null && _validation is { ClassCount: > 0 }))
        {
            options = options with { ValidationGapMin = TimeSpan.Zero };
        }

        if (_options.Part is null)
        {
            // What reading and preparing left behind goes back to the system before workers take their memory.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        int threads = Math.Max(1, _workers * _options.Threads);
        await using TrainRecorder recorder = new(
            _job, state, _validation, folder, first, threads, _options.Part is not null, _display, _clock);
        bool isStopped = await TrainAsync(state, first, folder, options, recorder, stop);
        await recorder.FlushAsync();
        return Finish(state, folder, configuration, recorder, isStopped);
    }

    /// <summary>The state to begin with: the newest checkpoint's, or the initial one.</summary>
    private (TrainingState State, int Step) Restore(RunFolder folder)
    {
        Checkpoint? checkpoint = folder.IsResumed
            ? new CheckpointStore(folder.Folder).FindLatest(fault => _display.Note($"Passed over: {fault.Message}"))
            : null;
        if (checkpoint is null)
        {
            return (new TrainingState(_initial, _optimizer, _job.Model.Buffers), 0);
        }

        float[] parameters = TrainingCheckpoint.Parameters(checkpoint, _job.Model);
        TrainingCheckpoint.RestoreOptimizer(checkpoint, _job.Model, _optimizer);
        _display.Note($"Resuming after step {checkpoint.Step}");
        return (new TrainingState(parameters, _optimizer, _job.Model.Buffers), checked((int)checkpoint.Step));
    }

    /// <summary>Trains; true if the user stopped it.</summary>
    private async Task<bool> TrainAsync(
        TrainingState state,
        int first,
        RunFolder folder,
        CoordinatorOptions options,
        TrainRecorder recorder,
        CancellationToken stop)
    {
        CoordinatorMachine machine = new(new Term((int)folder.Term), new Step(first), _job.Schedule, options);
        using DataBlocks data = new(_job.Source, folder["data.tmp"]);
        await using CoordinatorHost host = new(_job, state, machine, options, recorder, _clock) { Data = data };
        await using RemoteWorkers? remote = _options.Part is { Listens: false }
            ? null
            : await RemoteWorkers.StartAsync(
                _options, _options.Part?.Secrets ?? folder["secrets"], host, _display.Note, _clock);
        await using LocalWorkers workers = new(host, _job, options.Version, options.Numerics, _clock);
        await using CancellationTokenRegistration registration = stop.Register(host.Stop);
        for (int i = 0; i < _workers; i++)
        {
            workers.Start(_options.Threads);
        }

        CoordinatorEffect.Finish finish = await host.RunAsync();
        return finish.Outcome switch
        {
            Outcome.Completed => false,
            Outcome.Stopped => true,
            _ => throw new TrainingException(
                $"Training ended at {finish.Why}",
                "Lower --lr, or look at the data; checkpoints from before are intact and can be resumed."),
        };
    }

    private TrainResult Finish(
        TrainingState state, RunFolder folder, JsonObject configuration, TrainRecorder recorder, bool isStopped)
    {
        ReadOnlyMemory<float> parameters = state.Parameters.Memory;
        Dictionary<string, string> metadata = new() { ["format"] = "pt", ["model"] = _options.Model };
        AtomicFile.Write(
            folder["model.safetensors"],
            stream => SafetensorsWriter.Write(stream, metadata, TrainingCheckpoint.Tensors(_job.Model, parameters)));
        Evaluation? evaluation = recorder.LastEvaluation;
        bool isClean = evaluation is { IsClean: true };
        RunSummary summary = new(
            recorder.StepsDone,
            (double)recorder.StepsDone / _job.Schedule.StepsPerEpoch,
            recorder.LastLoss,
            isClean ? evaluation?.Psnr : null,
            isClean ? evaluation?.PsnrMeanPerImage : null,
            evaluation?.PsnrEstimated,
            evaluation?.Accuracy,
            recorder.ImagesPerSecond,
            recorder.StepTime.TotalSeconds,
            recorder.Workers,
            recorder.RecomputedShards,
            Hash(parameters.Span),
            folder.Folder,
            recorder.StepMeans)
        {
            Ssim = isClean ? evaluation?.Ssim : null,
            ValidationLoss = evaluation?.Loss,
        };
        if (_options.Part is null)
        {
            WriteReport(folder, configuration, summary, recorder.LastPreview);
        }

        return new TrainResult(
            summary, isStopped, isClean ? evaluation?.InputPsnr : null, recorder.LastPreview?.Path)
        {
            IsEstimated = evaluation?.EstimatedError is not null,
        };
    }

    private static void WriteReport(
        RunFolder folder, JsonObject configuration, RunSummary summary, (string Path, byte[] Png)? preview)
    {
        IReadOnlyList<ReportPicture> pictures = preview is { Png: var png }
            ? [new ReportPicture("Noisy, denoised and clean", png)]
            : [];
        ReportWriter.Write(folder["report.html"], new RunReport(
            Path.GetFileName(folder.Folder),
            summary,
            configuration,
            MetricsReader.Read(folder["metrics.jsonl"]),
            pictures));
    }

    private static string Hash(ReadOnlySpan<float> parameters) =>
        Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(parameters)));
}
