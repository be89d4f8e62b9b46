using System.Globalization;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>
/// Brings a training's state into checkpoints and back: parameters and buffers by tensor, slots by name and tensor.
/// </summary>
public static class TrainingCheckpoint
{
    private const string AverageStepsKey = "ema_steps";

    /// <summary>Names and sizes of everything that a checkpoint of this training holds.</summary>
    public static CheckpointLayout Layout(Model model, TrainingState state) => new(
        [.. model.Parameters.Select(parameter => new TensorLayout(parameter.Name, Sizes(parameter.Shape)))],
        [.. model.Buffers.Select(buffer => new TensorLayout(buffer.Name, Sizes(buffer.Shape)))],
        [
            .. from slot in Slots(state)
               from parameter in model.Parameters
               select new TensorLayout($"{slot.Name}.{parameter.Name}", Sizes(parameter.Shape)),
        ]);

    /// <summary>Copies the state.</summary>
    public static void Fill(CheckpointSnapshot snapshot, Model model, TrainingState state, int step)
    {
        snapshot.Step = step;
        CopyTensors(model, state.Parameters.Values, snapshot.Parameters, 0);
        for (int i = 0; i < model.Buffers.Count; i++)
        {
            BufferSpec buffer = model.Buffers[i];
            state.Parameters.Values.Span.Slice(buffer.Start, buffer.Count).CopyTo(snapshot.Buffers[i].Span);
        }

        int first = 0;
        foreach ((_, AlignedBuffer values) in Slots(state))
        {
            CopyTensors(model, values, snapshot.OptimizerState, first);
            first += model.Parameters.Count;
        }

        if (state.Average is { } average)
        {
            snapshot.Extra[AverageStepsKey] = average.Steps.ToString(CultureInfo.InvariantCulture);
        }

        foreach ((string name, double value) in state.Optimizer.Scalars)
        {
            snapshot.Extra[name] = value.ToString("R", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>A flat state as named tensors, parameters and then buffers, without copying them.</summary>
    public static IReadOnlyList<NamedTensor> Tensors(Model model, ReadOnlyMemory<float> state) =>
    [
        .. model.Parameters.Select(parameter => new NamedTensor(
            parameter.Name, Sizes(parameter.Shape), state.Slice(parameter.Start, parameter.Count))),
        .. model.Buffers.Select(buffer => new NamedTensor(
            buffer.Name, Sizes(buffer.Shape), state.Slice(buffer.Start, buffer.Count))),
    ];

    /// <summary>The flat state of a checkpoint: parameters, then buffers.</summary>
    /// <exception cref="CheckpointException">Names or sizes are not the model's.</exception>
    public static float[] Parameters(Checkpoint checkpoint, Model model)
    {
        float[] state = new float[model.StateCount];
        Restore(checkpoint.Parameters, "", model, state);
        Dictionary<string, NamedTensor> byName = ByName(checkpoint.Buffers);
        foreach (BufferSpec buffer in model.Buffers)
        {
            Restore(byName, buffer.Name, buffer.Shape, state.AsSpan(buffer.Start, buffer.Count));
        }

        return state;
    }

    /// <summary>Puts a checkpoint's averaged parameters back.</summary>
    /// <exception cref="CheckpointException">It has none, or others.</exception>
    public static void RestoreAverage(Checkpoint checkpoint, Model model, WeightsAverage average)
    {
        Span<float> state = average.State.Values.Span;
        Restore(checkpoint.OptimizerState, Checkpoint.AverageSlot + ".", model, state);
        Parameters(checkpoint, model).AsSpan(model.ParameterCount).CopyTo(state[model.ParameterCount..]);
        average.Steps = checkpoint.Extra.TryGetValue(AverageStepsKey, out string? text)
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int steps)
            ? steps
            : throw Fault("the number of averaged steps is missing");
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

    private static IEnumerable<(string Name, AlignedBuffer Values)> Slots(TrainingState state) => state.Average is null
        ? state.Optimizer.Slots
        : [.. state.Optimizer.Slots, (Checkpoint.AverageSlot, state.Average.State.Values)];

    private static long[] Sizes(IReadOnlyList<int> shape) => [.. shape.Select(side => (long)side)];

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
        Dictionary<string, NamedTensor> byName = ByName(tensors);
        foreach (ParameterSpec parameter in model.Parameters)
        {
            Span<float> values = target.Slice(parameter.Start, parameter.Count);
            Restore(byName, prefix + parameter.Name, parameter.Shape, values);
        }
    }

    private static void Restore(
        Dictionary<string, NamedTensor> byName, string name, IReadOnlyList<int> shape, Span<float> target)
    {
        if (!byName.TryGetValue(name, out NamedTensor? tensor) || !tensor.Shape.SequenceEqual(Sizes(shape)))
        {
            throw Fault($"tensor {name} is missing or has another shape");
        }

        tensor.Values.Span.CopyTo(target);
    }

    private static Dictionary<string, NamedTensor> ByName(IReadOnlyList<NamedTensor> tensors) =>
        tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);

    private static CheckpointException Fault(string what) => new(
        $"The checkpoint does not fit its run: {what}.", "Restore the run folder from a backup, or start a new run.");
}
