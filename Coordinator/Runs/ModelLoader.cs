using System.Globalization;
using System.Text.Json;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
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
    Model Model, string Name, float[] Parameters, string Weights, TrainingConfiguration? Configuration);

/// <summary>Loads models of runs, of checkpoints and of weights files. Only reads: the run may be going on.</summary>
public static class ModelLoader
{
    private const string Pattern = "step-*.safetensors";

    /// <summary>The model of a run: its final weights, or else those of the newest valid checkpoint.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="best">Whether to take the best validated weights instead.</param>
    /// <exception cref="DataException">It is no run folder, has no weights yet, or a file is damaged.</exception>
    /// <exception cref="CheckpointException">Checkpoints are there, but none is valid.</exception>
    public static LoadedModel FromRun(string folder, bool best = false)
    {
        string path = Path.Combine(folder, "config.json");
        TrainingConfiguration configuration = ParseConfiguration(ReadText(path), path);
        return Load(configuration, best ? RequireBest(folder) : FindWeights(folder));
    }

    /// <summary>The model of a single checkpoint, which holds its configuration.</summary>
    /// <exception cref="DataException">It is missing, damaged, or no checkpoint.</exception>
    public static LoadedModel FromCheckpoint(string path) =>
        Load(ParseConfiguration(CheckpointFile.Read(path).Configuration, path), path);

    /// <summary>A named model with weights from a file; images have the channels that the first weights take.</summary>
    /// <param name="weights">Safetensors, or a PyTorch state dictionary.</param>
    /// <param name="model">Catalogue name with overrides, or a JSON file.</param>
    /// <exception cref="ReportedException">One of them is missing or damaged, or they do not fit.</exception>
    public static LoadedModel FromWeights(string weights, string model)
    {
        StateDict state = StateDict.Read(weights);
        int channels = state.Tensors is [{ Shape: [_, >= 1 and <= 4096, _, _] } first, ..] ? (int)first.Shape[1] : 3;
        Model network = new(FindLayers(model, channels));
        float[] parameters = new float[network.StateCount];
        state.CopyTo(network, parameters);
        return new LoadedModel(network, model, parameters, weights, Configuration: null);
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

    private static LoadedModel Load(TrainingConfiguration configuration, string weights)
    {
        Model model = new(
            ModelSpec.Parse(configuration.Layers.ToJsonString(), configuration.Model),
            ConvolutionAlgorithms.Parse(configuration.Conv));
        float[] parameters = new float[model.StateCount];
        StateDict.Read(weights).CopyTo(model, parameters);
        return new LoadedModel(model, configuration.Model, parameters, weights, configuration);
    }

    private static string RequireBest(string folder)
    {
        string path = Path.Combine(folder, "best.safetensors");
        return File.Exists(path)
            ? path
            : throw new DataException(
                $"The run in {folder} has no best checkpoint: nothing was validated yet.", "Leave --best out.");
    }

    private static string FindWeights(string folder)
    {
        string final = Path.Combine(folder, "model.safetensors");
        if (File.Exists(final))
        {
            return final;
        }

        string checkpoints = Path.Combine(folder, "checkpoints");
        string[] files = Directory.Exists(checkpoints)
            ? [.. Directory.EnumerateFiles(checkpoints, Pattern).OrderByDescending(StepOf)]
            : [];
        return Array.Find(files, IsValid) ?? throw (files.Length > 0
            ? new CheckpointException(
                $"None of the {files.Length} checkpoints in {checkpoints} is valid.",
                "Restore one from a backup, or train again.")
            : new DataException(
                $"The run in {folder} has no weights yet.", "Wait for its first checkpoint, or resume it."));
    }

    private static long StepOf(string path)
    {
        string digits = Path.GetFileNameWithoutExtension(path).Split('-', 2)[^1];
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : -1;
    }

    private static bool IsValid(string path)
    {
        try
        {
            CheckpointFile.Verify(path);
            return true;
        }
        catch (DataException)
        {
            return false;
        }
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException(
                $"{Path.GetDirectoryName(path)} is no run folder: {exception.Message}",
                "Name the folder of a run, as in --run runs/NAME; or use --weights FILE --model NAME.",
                exception);
        }
    }

    private static TrainingConfiguration ParseConfiguration(string json, string place)
    {
        try
        {
            return TrainingConfiguration.Parse(json);
        }
        catch (JsonException exception)
        {
            throw new DataException(
                $"{place} holds no configuration of a run: {exception.Message}",
                "Restore it from a backup, or use --weights FILE --model NAME.",
                exception);
        }
    }
}
