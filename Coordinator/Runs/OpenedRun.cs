using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>A run that is ready to be trained: its data open, its model compiled, its folder locked.</summary>
/// <remarks>
/// In this order: data, model, initial weights, folder, checkpoint. What can be refused before the folder is touched
/// is. Each file is read once. Initial weights are neither read nor drawn if a checkpoint holds later ones.
/// </remarks>
public sealed class OpenedRun : IDisposable
{
    private OpenedRun(
        TrainOptions options, TrainingJob job, PairSource? validation, RunFolder folder, TrainingState state, int first)
    {
        Options = options;
        Job = job;
        Validation = validation;
        Folder = folder;
        State = state;
        FirstStep = first;
    }

    /// <summary>What it was opened by.</summary>
    public TrainOptions Options { get; }

    /// <summary>What is trained on what; its configuration is whole.</summary>
    public TrainingJob Job { get; }

    /// <summary>What to validate with; null for nothing.</summary>
    public PairSource? Validation { get; }

    /// <summary>Held until the end of this.</summary>
    public RunFolder Folder { get; }

    /// <summary>Weights and optimizer to begin with.</summary>
    public TrainingState State { get; }

    /// <summary>Updates that earlier lives did.</summary>
    public int FirstStep { get; }

    /// <summary>Opens it.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="note">Told where the run is, and what was passed over.</param>
    /// <param name="clock">Names and dates new folders.</param>
    /// <exception cref="ReportedException">Something that the user can fix.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static OpenedRun Open(TrainOptions options, Action<string> note, TimeProvider clock)
    {
        RunConfiguration asked = options.Configuration;
        RunConfiguration? saved = FindSaved(options);
        RunData data = options.Data is { } ready && ready.IsOf(asked) ? ready : RunData.Open(asked);
        if (options.Listen is not null)
        {
            _ = data.Training.Packed?.Index; // For workers that join; the hash comes out of the same pass.
        }

        Model model = MakeModel(asked, data.Training);
        float[]? initial = IsReplacedByCheckpoint(options, saved) ? null : InitialWeights(asked, model);
        WeightsAverage.Check(asked.Ema);
        Optimizer optimizer = asked.Optimizer.Create(model.ParameterCount);
        string weights = initial is null ? saved!.InitialWeightsSha256 : WeightsHash.Of(initial);
        TrainingJob job = new(Complete(asked, data, model, weights), data.Training, model);
        RunFolder folder = OpenFolder(options, saved, job, clock);
        try
        {
            note($"Run folder {folder.Folder}");
            if (!NumericsFingerprint.IsFused)
            {
                note("This processor has no FMA (x64 of 2013 or later has): training will be some 100 times slower.");
            }

            if (DataSources.PassedOver(asked.Data) is { } passedOver)
            {
                note(passedOver);
            }

            foreach (string line in data.Lines)
            {
                note(line);
            }

            if (job.Schedule.Batch < job.Configuration.Batch)
            {
                note($"A step has {job.Schedule.Batch} samples, not --batch {job.Configuration.Batch}: a pass over the "
                    + "data has no more windows.");
            }

            if (options.Trial is null)
            {
                OptionsFile.Write(folder.Folder, options);
            }

            int first = 0;
            Checkpoint? checkpoint = FindCheckpoint(folder, job, note);
            if (checkpoint is not null)
            {
                initial = TrainingCheckpoint.Parameters(checkpoint, model);
                TrainingCheckpoint.RestoreOptimizer(checkpoint, model, optimizer);
                first = checked((int)checkpoint.Step);
                note($"Resuming after step {first}");
                if (job.Schedule.StepsTotal < first)
                {
                    note($"That is more than the {job.Schedule.StepsTotal} steps that are asked for: nothing is left "
                        + "to do, and the weights stay those of the checkpoint.");
                }
            }

            else if (folder.IsResumed && MetricsReader.ReadLast(folder["metrics.jsonl"]) is { Step: > 0 and var last })
            {
                note($"NO CHECKPOINT IS LEFT in {folder.Folder}, though the run had done {last} steps: it begins anew, "
                    + "at step 0. If a backup has its checkpoints, stop now and restore them.");
            }

            initial = initial ?? throw NoCheckpoint(folder);
            TrainingState state = new(initial, optimizer, model.Buffers)
            {
                Average = StartAveraging(asked.Ema, initial, model, checkpoint),
            };
            return new OpenedRun(options, job, data.Validation, folder, state, first);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Folder.Dispose();

    /// <summary>The configuration of the run that goes on; null if there is none.</summary>
    private static RunConfiguration? FindSaved(TrainOptions options)
    {
        if (options is not { Run: { } run, Resume: not Resumption.None })
        {
            return null;
        }

        RunFolder.CheckMayOpen(run, options.Resume);
        return options.Saved ?? ConfigurationFile.Find(run);
    }

    /// <summary>The model by its layers if a run has them, else by its name.</summary>
    private static Model MakeModel(RunConfiguration asked, PairSource source) => asked.Layers.Count > 0
        ? TrainingJob.ModelOf(asked)
        : new Model(ModelLoader.FindLayers(asked.Model, source.Shape.C), ConvolutionAlgorithms.Parse(asked.Conv));

    /// <summary>
    /// Whether a checkpoint will replace the initial weights, and their hash is known. A file that is named again is
    /// read nevertheless: it may be another one.
    /// </summary>
    private static bool IsReplacedByCheckpoint(TrainOptions options, RunConfiguration? saved) =>
        saved is not null
        && saved.Init == options.Configuration.Init
        && CheckpointStore.FilesOf(options.Run!).Count > 0;

    /// <summary>Weights and buffers that a run begins with, read or drawn.</summary>
    internal static float[] InitialWeights(RunConfiguration asked, Model model)
    {
        float[] initial = new float[model.StateCount];
        model.InitializeBuffers(initial);
        if (asked.Init is { } file)
        {
            StateDict.Read(file).CopyTo(model, initial);
        }
        else
        {
            Initializer.Parse(asked.InitScheme).Fill(model, asked.Seed, initial);
        }

        return initial;
    }

    private static WeightsAverage? StartAveraging(double decay, float[] initial, Model model, Checkpoint? checkpoint)
    {
        WeightsAverage? average = decay > 0 ? new WeightsAverage(decay, initial, model.ParameterCount) : null;
        if (average is not null && checkpoint is not null)
        {
            TrainingCheckpoint.RestoreAverage(checkpoint, model, average);
        }

        return average;
    }

    /// <summary>The configuration, with what is derived from data and model.</summary>
    private static RunConfiguration Complete(RunConfiguration asked, RunData data, Model model, string weights) =>
        asked with
        {
            Data = asked.Data with
            {
                RangeLow = data.Options.RangeLow,
                RangeHigh = data.Options.RangeHigh,
                Noise = data.Options.Noise,
                Crop = data.Options.Crop,
                Windows = data.Options.Windows,
                Holdout = data.Options.Holdout,
            },
            Steps = asked is { Steps: null, Epochs: null }
                ? Recipe.StepsFor(data.Training.Count, asked.Batch) : asked.Steps,
            Layers = ModelSpec.Write(model.Root),
            DataHash = data.Training.ContentHash,
            ValidationHash = data.Validation?.ContentHash,
            Shard = asked.Shard == 0 ? Catalogue.DefaultShard(asked.Model, model.Root) : asked.Shard,
            InitialWeightsSha256 = weights,
        };

    private static RunFolder OpenFolder(
        TrainOptions options, RunConfiguration? saved, TrainingJob job, TimeProvider clock)
    {
        RunFolderOptions wanted = new(
            job.Configuration,
            saved,
            options.Run,
            options.Resume,
            ResumeRules.MayChange(job.DependsOnLength),
            options.CommandLine,
            options.RunsRoot)
        {
            Lock = options.Lock,
        };
        return RunFolder.Open(wanted, clock);
    }

    /// <summary>The newest checkpoint that is whole; null if there is none at all.</summary>
    /// <exception cref="CheckpointException">Some are there, but none is whole.</exception>
    /// <exception cref="ConfigurationException">It is of another configuration.</exception>
    private static Checkpoint? FindCheckpoint(RunFolder folder, TrainingJob job, Action<string> note)
    {
        if (!folder.IsResumed)
        {
            return null;
        }

        CheckpointStore store = new(folder.Folder);
        Checkpoint? checkpoint;
        try
        {
            checkpoint = store.FindLatest(fault => note($"Passed over: {fault.CommandLine.Cause}"));
        }
        catch (CheckpointException exception) when (job.Configuration.Init is not { } init || File.Exists(init))
        {
            throw new CheckpointException(
                exception.CommandLine.Cause,
                "Restore one from a backup and resume. Or begin anew: the run's start can be computed again, so move "
                + $"{string.Join(" and ", CheckpointStore.FilesOf(folder.Folder))} away and resume; it ends with the "
                + $"same weights.{(File.Exists(store.BestPath) ? $" The best weights are in {store.BestPath}." : "")}",
                exception);
        }

        if (checkpoint is not null)
        {
            string path = store.PathOf(checkpoint.Step);
            ResumeRules.Check(
                $"The checkpoint {path}",
                ConfigurationFile.Parse(checkpoint.Configuration, path, "Remove it, or restore it from a backup."),
                job.Configuration,
                ResumeRules.MayChange(job.DependsOnLength),
                "It is of another run: put it back where it belongs, and restore this run's own from a backup.");
        }

        return checkpoint;
    }

    private static CheckpointException NoCheckpoint(RunFolder folder) => new(
        $"The checkpoints in {folder.Folder} went away while the run was opened.",
        "Restore one from a backup, or resume the run once more.");
}
