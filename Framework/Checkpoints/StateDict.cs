using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;

namespace Distributed.Framework.Checkpoints;

/// <summary>Weights by name: of a safetensors file (a checkpoint too), or of PyTorch's <c>torch.save</c>.</summary>
/// <remarks>
/// The kind of file is told by its content. A checkpoint is verified against its hash and gives its parameters (the
/// averaged ones, if it has some) and buffers, not its optimizer state. Integers (<c>num_batches_tracked</c>) are no
/// weights and are left out.
/// </remarks>
public sealed class StateDict
{
    /// <summary>Most names that one message lists.</summary>
    private const int NamesShownMax = 4;

    private const string IgnoredSuffix = "num_batches_tracked";

    private StateDict(string path, IEnumerable<NamedTensor> tensors)
    {
        Path = path;
        Tensors = [.. tensors.Where(tensor =>
            tensor.Integers is null && !tensor.Name.EndsWith(IgnoredSuffix, StringComparison.Ordinal))];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The weights, in the order of the file.</summary>
    public IReadOnlyList<NamedTensor> Tensors { get; }

    /// <summary>What a safetensors file says besides; empty for others.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private init; } = new Dictionary<string, string>();

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is missing, damaged, or of another kind.</exception>
    public static StateDict Read(string path) =>
        TorchFile.IsTorchFile(path) ? new StateDict(path, ReadTorch(path)) : ReadSafetensors(path);

    /// <summary>The weights of a checkpoint that is read already.</summary>
    /// <param name="path">Its file, for messages.</param>
    /// <param name="checkpoint">What it holds.</param>
    public static StateDict Of(string path, Checkpoint checkpoint) =>
        new(path, checkpoint.UsedWeights())
        {
            Metadata = new Dictionary<string, string> { ["configuration"] = checkpoint.Configuration },
        };

    /// <summary>
    /// Writes the weights where the model wants them: every parameter and buffer, in its shape, and no other.
    /// </summary>
    /// <param name="model">Whose weights they must be.</param>
    /// <param name="state">The model's flat state, overwritten.</param>
    /// <exception cref="ConfigurationException">A name is missing, unknown, or has another shape.</exception>
    /// <exception cref="DataException">A weight is not finite.</exception>
    public void CopyTo(Model model, Span<float> state)
    {
        ArgumentNullException.ThrowIfNull(model);
        Dictionary<string, NamedTensor> byName = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        CheckNames(model, byName);
        foreach ((string name, IReadOnlyList<int> shape, int start) in Wanted(model))
        {
            NamedTensor tensor = byName[name];
            if (!tensor.Shape.SequenceEqual(shape.Select(size => (long)size)))
            {
                throw new ConfigurationException(
                    $"{Path}: '{name}' has shape [{string.Join(", ", tensor.Shape)}]; "
                    + $"the model wants [{string.Join(", ", shape)}].",
                    "Give the weights of this model, or name the model that they belong to.");
            }

            ReadOnlySpan<float> values = tensor.Values.Span;
            CheckFinite(name, values);
            values.CopyTo(state[start..]);
        }
    }

    private static IEnumerable<(string Name, IReadOnlyList<int> Shape, int Start)> Wanted(Model model) =>
    [
        .. model.Parameters.Select(parameter => (parameter.Name, parameter.Shape, parameter.Start)),
        .. model.Buffers.Select(buffer => (buffer.Name, buffer.Shape, buffer.Start)),
    ];

    private static IEnumerable<NamedTensor> ReadTorch(string path) => TorchFile.LoadStateDict(path)
        .Where(entry => entry.DType != TorchDType.Int64)
        .Select(entry => new NamedTensor(entry.Name, entry.Shape, entry.Values));

    private static StateDict ReadSafetensors(string path) =>
        SafetensorsFile.WithStream(path, stream =>
        {
            SafetensorsHeader header = SafetensorsHeader.Read(stream, path);
            if (!CheckpointFile.IsCheckpoint(header))
            {
                return new StateDict(path, SafetensorsFile.ReadData(stream, header).Tensors.Select(NamedTensor.From))
                {
                    Metadata = header.Metadata,
                };
            }

            return Of(path, CheckpointFile.Read(stream, header, path));
        });

    private void CheckNames(Model model, Dictionary<string, NamedTensor> byName)
    {
        string[] wanted = [.. Wanted(model).Select(tensor => tensor.Name)];
        string[] missing = [.. wanted.Where(name => !byName.ContainsKey(name))];
        string[] surplus = [.. byName.Keys.Except(wanted, StringComparer.Ordinal)];
        if (missing.Length > 0)
        {
            string there = byName.Count == 0 ? "none" : Shown([.. byName.Keys]);
            throw new ConfigurationException(
                $"{Path} lacks {Shown([.. missing.Select(name => Described(model, name))])}; it has {there}.",
                "Give the weights of this model; names are nn.Sequential's index paths, as in 2.0.weight.");
        }

        if (surplus.Length > 0)
        {
            string[] described = [.. surplus.Select(name => $"{name} [{string.Join(", ", byName[name].Shape)}]")];
            throw new ConfigurationException(
                $"{Path} has {Shown(described)}, which the model does not have.",
                "Give the weights of this model, or name the model that they belong to.");
        }
    }

    private void CheckFinite(string name, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new DataException(
                    $"{Path}: '{name}' holds {(float.IsNaN(values[i]) ? "NaN" : "an infinity")} at element {i}.",
                    "These weights are of no use; take those of an earlier step.");
            }
        }
    }

    private static string Described(Model model, string name) =>
        $"{name} [{string.Join(", ", Wanted(model).First(tensor => tensor.Name == name).Shape)}]";

    private static string Shown(string[] names)
    {
        string text = string.Join(", ", names.Take(NamesShownMax));
        string line = string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
        return names.Length > NamesShownMax ? $"{line} and {names.Length - NamesShownMax} more" : line;
    }
}
