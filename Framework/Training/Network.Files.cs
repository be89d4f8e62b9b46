using System.Globalization;
using System.Text.Json.Nodes;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>Networks from files, and into them.</summary>
public sealed partial class Network
{
    private const string EpochsKey = "epochs";

    /// <summary>Stored values that became 0 and 1 in training, which goes with the weights; null if unknown.</summary>
    public (double Low, double High)? Range { get; set; }

    /// <summary>
    /// A network of the catalogue, <c>n2n-final</c> or with overrides <c>n2n-final:channels=64</c>; or of a file: a
    /// list of layers as JSON, or weights that say of which layers they are, as <see cref="Save"/> and <c>export</c>
    /// write them.
    /// </summary>
    /// <param name="name">Name and overrides, or path.</param>
    /// <param name="channels">Channels of the images; a file has its own.</param>
    /// <param name="seed">Decides the weights, unless a file has some.</param>
    /// <exception cref="ConfigurationException">There is no such model.</exception>
    /// <exception cref="DataException">The file is damaged.</exception>
    public static Network Create(string name, int channels = 3, uint seed = 0)
    {
        if (Catalogue.Find(name, channels) is { } layers)
        {
            return new Network(layers, seed);
        }

        if (!File.Exists(name))
        {
            throw new ConfigurationException(
                $"There is no model '{name}', and no file of that name.",
                $"Choose one of {string.Join(", ", Catalogue.Names)}; or name a JSON file, or weights.");
        }

        if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return new Network(ModelSpec.Parse(File.ReadAllText(name), name), seed);
        }

        JsonArray? saved = WeightsMetadata.Parse(StateDict.Read(name).Metadata, name).Layers;
        Network network = new(
            ModelSpec.Parse(
                saved ?? throw new ConfigurationException(
                    $"{name} does not say of which layers its weights are.",
                    "Create the network by its model's name, and load the file into it."),
                name),
            seed);
        network.Load(name);
        return network;
    }

    /// <summary>
    /// Takes weights from a file: safetensors, a checkpoint, or PyTorch's <c>.pth</c>. Training begins anew with them,
    /// unless the file holds the state of one (<see cref="Save"/>).
    /// </summary>
    /// <exception cref="DataException">It is missing or damaged.</exception>
    /// <exception cref="ConfigurationException">They belong to another model.</exception>
    public void Load(string path)
    {
        using Lock.Scope scope = Enter();
        StateDict weights = StateDict.Read(path);
        WeightsMetadata metadata = WeightsMetadata.Parse(weights.Metadata, path);
        SavedTraining? training =
            weights.Metadata.ContainsKey(WeightsMetadata.ConfigurationKey) ? ReadTraining(path) : null;
        weights.CopyTo(Model, _state.Span);
        training?.Weights.CopyTo(_state.Span);
        Range = metadata.Range;
        (_optimizer, _optimizerOptions, _average) = (training?.Optimizer, training?.Options, training?.Average);
        _epochs = training?.Epochs ?? 0;
    }

    /// <summary>
    /// Writes the weights to a safetensors file, under PyTorch's names and in its layout, with the network's layers and
    /// range.
    /// </summary>
    /// <param name="path">Of the file; replaced in one piece.</param>
    /// <param name="withTraining">
    /// Whether the file is to hold the state of training too (the optimizer's, and epochs done), so that Train goes on
    /// after <see cref="Load"/> as it would here.
    /// </param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(string path, bool withTraining = false)
    {
        using Lock.Scope scope = Enter();
        JsonArray layers = ModelSpec.Write(Model.Root);
        if (!withTraining || _optimizer is null)
        {
            Dictionary<string, string> metadata = new WeightsMetadata(null, layers, Range).ToDictionary();
            AtomicFile.Write(path, stream => SafetensorsWriter.Write(
                stream, metadata, TrainingCheckpoint.Tensors(Model, Used.Memory)));
            return;
        }

        TrainingState state = new(_state.Span, _optimizer, Model.Buffers) { Average = _average };
        CheckpointSnapshot snapshot = new(TrainingCheckpoint.Layout(Model, state));
        TrainingCheckpoint.Fill(snapshot, Model, state, step: 0);
        snapshot.Extra[EpochsKey] = _epochs.ToString(CultureInfo.InvariantCulture);
        RunConfiguration configuration = new()
        {
            Model = "network",
            Layers = layers,
            Optimizer = _optimizerOptions!,
            Ema = _average?.Decay ?? 0,
            Data = new Data.DataOptions { RangeLow = Range?.Low, RangeHigh = Range?.High },
        };
        AtomicFile.Write(
            path, stream => CheckpointFile.Write(stream, snapshot.ToCheckpoint(configuration.ToJson())));
    }

    /// <summary>What a file holds of a training that <see cref="Save"/> wrote; null for checkpoints of runs.</summary>
    private SavedTraining? ReadTraining(string path)
    {
        Checkpoint checkpoint = CheckpointFile.Read(path);
        if (!checkpoint.Extra.TryGetValue(EpochsKey, out string? text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int epochs))
        {
            return null;
        }

        RunConfiguration configuration = RunConfiguration.Parse(checkpoint.Configuration);
        OptimizerOptions options = configuration.Optimizer;
        Optimizer optimizer = options.Create(Model.ParameterCount);
        TrainingCheckpoint.RestoreOptimizer(checkpoint, Model, optimizer);
        float[] weights = TrainingCheckpoint.Parameters(checkpoint, Model);
        WeightsAverage? average = null;
        if (configuration.Ema > 0)
        {
            average = new WeightsAverage(configuration.Ema, weights, Model.ParameterCount);
            TrainingCheckpoint.RestoreAverage(checkpoint, Model, average);
        }

        return new SavedTraining(weights, optimizer, options, average, epochs);
    }

    /// <summary>A training that goes on.</summary>
    private sealed record SavedTraining(
        float[] Weights, Optimizer Optimizer, OptimizerOptions Options, WeightsAverage? Average, int Epochs);
}
