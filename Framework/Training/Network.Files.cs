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
        (Optimizer Optimizer, OptimizerOptions Options, int Epochs)? training =
            weights.Metadata.ContainsKey(WeightsMetadata.ConfigurationKey) ? ReadTraining(path) : null;
        weights.CopyTo(Model, _state.Span);
        Range = metadata.Range;
        (_optimizer, _optimizerOptions) = (training?.Optimizer, training?.Options);
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
                stream, metadata, TrainingCheckpoint.Tensors(Model, _state.Memory)));
            return;
        }

        CheckpointSnapshot snapshot = new(TrainingCheckpoint.Layout(Model, _optimizer));
        TrainingCheckpoint.Fill(
            snapshot, Model, new TrainingState(_state.Span, _optimizer, Model.Buffers), step: 0);
        snapshot.Extra[EpochsKey] = _epochs.ToString(CultureInfo.InvariantCulture);
        RunConfiguration configuration = new()
        {
            Model = "network",
            Layers = layers,
            Optimizer = _optimizerOptions!,
            Data = new Data.DataOptions { RangeLow = Range?.Low, RangeHigh = Range?.High },
        };
        AtomicFile.Write(
            path, stream => CheckpointFile.Write(stream, snapshot.ToCheckpoint(configuration.ToJson())));
    }

    /// <summary>What a file holds of a training that <see cref="Save"/> wrote; null for checkpoints of runs.</summary>
    private (Optimizer Optimizer, OptimizerOptions Options, int Epochs)? ReadTraining(string path)
    {
        Checkpoint checkpoint = CheckpointFile.Read(path);
        if (!checkpoint.Extra.TryGetValue(EpochsKey, out string? text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int epochs))
        {
            return null;
        }

        OptimizerOptions options = RunConfiguration.Parse(checkpoint.Configuration).Optimizer;
        Optimizer optimizer = options.Create(Model.ParameterCount);
        TrainingCheckpoint.RestoreOptimizer(checkpoint, Model, optimizer);
        return (optimizer, options, epochs);
    }
}
