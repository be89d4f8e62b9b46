using System.Globalization;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>
/// Brings a training's state into checkpoints and back: parameters by tensor, slots by name and tensor.
/// </summary>
public static class TrainingCheckpoint
{
    /// <summary>Names and sizes of everything that a checkpoint of this training holds.</summary>
    public static CheckpointLayout Layout(Model model, Optimizer optimizer) => new(
        [.. model.Parameters.Select(parameter => new TensorLayout(parameter.Name, Sizes(parameter)))],
        [],
        [
            .. from slot in optimizer.Slots
               from parameter in model.Parameters
               select new TensorLayout($"{slot.Name}.{parameter.Name}", Sizes(parameter)),
        ]);

    /// <summary>Copies the state.</summary>
    public static void Fill(CheckpointSnapshot snapshot, Model model, TrainingState state, int step)
    {
        snapshot.Step = step;
        CopyTensors(model, state.Parameters.Values, snapshot.Parameters, 0);
        for (int slot = 0; slot < state.Optimizer.Slots.Count; slot++)
        {
            int first = slot * model.Parameters.Count;
            CopyTensors(model, state.Optimizer.Slots[slot].Values, snapshot.OptimizerState, first);
        }

        foreach ((string name, double value) in state.Optimizer.Scalars)
        {
            snapshot.Extra[name] = value.ToString("R", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The parameters as named tensors, without copying them.</summary>
    public static IReadOnlyList<NamedTensor> Tensors(Model model, ReadOnlyMemory<float> parameters) =>
    [
        .. model.Parameters.Select(parameter => new NamedTensor(
            parameter.Name, Sizes(parameter), parameters.Slice(parameter.Start, parameter.Count))),
    ];

    /// <summary>The flat parameters of a checkpoint.</summary>
    /// <exception cref="CheckpointException">Names or sizes are not the model's.</exception>
    public static float[] Parameters(Checkpoint checkpoint, Model model)
    {
        float[] parameters = new float[model.ParameterCount];
        Restore(checkpoint.Parameters, "", model, parameters);
        return parameters;
    }

    /// <summary>Puts a checkpoint's state back into an optimizer.</summary>
    /// <exception cref="CheckpointException">Names or sizes are not the optimizer's.</exception>
    public static void RestoreOptimizer(Checkpoint checkpoint, Model model, Optimizer optimizer)
    {
        foreach ((string name, AlignedBuffer values) in optimizer.Slots)
        {
            Restore(checkpoint.OptimizerState, name + ".", model, values.Span);
        }

        Dictionary<string, double> scalars = [];
        foreach (string name in optimizer.Scalars.Keys)
        {
            scalars[name] = checkpoint.Extra.TryGetValue(name, out string? text)
                && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                ? value
                : throw Fault($"the optimizer's {name} is missing");
        }

        optimizer.Scalars = scalars;
    }

    private static long[] Sizes(ParameterSpec parameter) => [.. parameter.Shape.Select(side => (long)side)];

    private static void CopyTensors(
        Model model, AlignedBuffer source, IReadOnlyList<Memory<float>> targets, int first)
    {
        for (int i = 0; i < model.Parameters.Count; i++)
        {
            ParameterSpec parameter = model.Parameters[i];
            source.Span.Slice(parameter.Start, parameter.Count).CopyTo(targets[first + i].Span);
        }
    }

    private static void Restore(
        IReadOnlyList<NamedTensor> tensors, string prefix, Model model, Span<float> target)
    {
        Dictionary<string, NamedTensor> byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (ParameterSpec parameter in model.Parameters)
        {
            if (!byName.TryGetValue(prefix + parameter.Name, out NamedTensor? tensor)
                || !tensor.Shape.SequenceEqual(Sizes(parameter)))
            {
                throw Fault($"tensor {prefix}{parameter.Name} is missing or has another shape");
            }

            tensor.Values.Span.CopyTo(target.Slice(parameter.Start, parameter.Count));
        }
    }

    private static CheckpointException Fault(string what) => new(
        $"The checkpoint does not fit its run: {what}.", "Restore the run folder from a backup, or start a new run.");
}
