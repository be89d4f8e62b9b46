using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>A model with weights, to be used and not trained.</summary>
/// <param name="Model">The network.</param>
/// <param name="Name">As the user named it.</param>
/// <param name="Parameters">Its flat state: parameters, then buffers.</param>
/// <param name="Weights">The file they come from.</param>
/// <param name="Configuration">The run's; null for a file of weights alone.</param>
public sealed record LoadedModel(
    Model Model, string Name, float[] Parameters, string Weights, RunConfiguration? Configuration)
{
    /// <summary>Stored values that became 0 and 1 in training; null for the types' own.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>Whether its run averaged the weights, and these are the average.</summary>
    public bool IsAverage => Configuration is { Ema: > 0 };
}

/// <summary>Loads models of runs, of checkpoints and of weights files. Only reads: the run may be going on.</summary>
public static class ModelLoader
{
    private const string Remedy = "Restore it from a backup, or use --weights FILE --model NAME.";

    /// <summary>The model of a run: its final weights, or else those of the newest valid checkpoint.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="best">Whether to take the best validated weights instead.</param>
    /// <exception cref="DataException">It is no run folder, has no weights yet, or a file is damaged.</exception>
    /// <exception cref="CheckpointException">Checkpoints are there, but none is valid.</exception>
    public static LoadedModel FromRun(string folder, bool best = false)
    {
        if (!ConfigurationFile.IsIn(folder))
        {
            throw new DataException(
                $"{folder} is no run folder: it has no {ConfigurationFile.Name}.",
                "Name the folder of a run, as in --run runs/NAME; or use --weights FILE --model NAME.");
        }

        RunConfiguration configuration = ConfigurationFile.Read(folder);
        if (best)
        {
            return Load(configuration, StateDict.Read(RequireBest(folder)));
        }

        string final = Path.Combine(folder, "model.safetensors");
        return Load(configuration, File.Exists(final) ? StateDict.Read(final) : ReadNewest(folder));
    }

    /// <summary>The model of a single checkpoint, which holds its configuration.</summary>
    /// <exception cref="DataException">It is missing, damaged, or no checkpoint.</exception>
    public static LoadedModel FromCheckpoint(string path)
    {
        Checkpoint checkpoint = CheckpointFile.Read(path);
        RunConfiguration configuration = ConfigurationFile.Parse(checkpoint.Configuration, path, Remedy);
        return Load(configuration, StateDict.Of(path, checkpoint));
    }

    /// <summary>
    /// A model with weights from a file; of a named one images have the channels that the first weights take.
    /// </summary>
    /// <param name="weights">Safetensors, or a PyTorch state dictionary.</param>
    /// <param name="model">Catalogue name with overrides, or a JSON file; null for what the file says.</param>
    /// <exception cref="ReportedException">One of them is missing or damaged, or they do not fit.</exception>
    public static LoadedModel FromWeights(string weights, string? model)
    {
        StateDict state = StateDict.Read(weights);
        WeightsMetadata metadata = WeightsMetadata.Parse(state.Metadata, weights);
        int channels = state.Tensors is [{ Shape: [_, >= 1 and <= 4096, _, _] } first, ..] ? (int)first.Shape[1] : 3;
        Model network = new(
            model is not null ? FindLayers(model, channels)
            : metadata.Layers is { } layers ? ModelSpec.Parse(layers, weights)
            : throw new ConfigurationException(
                $"{weights} does not say of which model it is.", "Add --model NAME, or --model FILE.json."));
        float[] parameters = new float[network.StateCount];
        state.CopyTo(network, parameters);
        return new LoadedModel(network, model ?? metadata.Model ?? "model", parameters, weights, Configuration: null)
        {
            Range = metadata.Range,
        };
    }

    /// <summary>The layers of a model by its catalogue name, or from a JSON file.</summary>
    /// <exception cref="ConfigurationException">There is no such model, or it is not one.</exception>
    public static Sequential FindLayers(string model, int imageChannels)
    {
        if (Catalogue.Find(model, imageChannels) is { } layers)
        {
            return layers;
        }

        try
        {
            return ModelSpec.Parse(File.ReadAllText(model), model);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(
                $"--model {model}: there is no such model, and no such file: {exception.Message}",
                $"Give a JSON file, or one of {string.Join(", ", Catalogue.Names)}.",
                exception);
        }
    }

    private static LoadedModel Load(RunConfiguration configuration, StateDict weights)
    {
        Model model = TrainingJob.ModelOf(configuration);
        float[] parameters = new float[model.StateCount];
        weights.CopyTo(model, parameters);
        return new LoadedModel(model, configuration.Model, parameters, weights.Path, configuration)
        {
            Range = WeightsMetadata.Of(configuration).Range,
        };
    }

    private static string RequireBest(string folder)
    {
        string path = Path.Combine(folder, "best.safetensors");
        return File.Exists(path)
            ? path
            : throw new DataException(
                $"The run in {folder} has no best checkpoint: nothing was validated yet.", "Leave --best out.");
    }

    /// <summary>The newest checkpoint that is whole.</summary>
    private static StateDict ReadNewest(string folder)
    {
        IReadOnlyList<string> files = CheckpointStore.FilesOf(folder);
        foreach (string path in files)
        {
            try
            {
                return StateDict.Of(path, CheckpointFile.Read(path));
            }
            catch (DataException)
            {
                // The next one then; if none is whole, that is said.
            }
        }

        throw files.Count > 0
            ? new CheckpointException(
                $"None of the {files.Count} checkpoints in {Path.Combine(folder, "checkpoints")} is valid.",
                "Restore one from a backup, or train again.")
            : new DataException(
                $"The run in {folder} has no weights yet.", "Wait for its first checkpoint, or resume it.");
    }
}
