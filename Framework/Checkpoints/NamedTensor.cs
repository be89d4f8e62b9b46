namespace Distributed.Framework.Checkpoints;

/// <summary>A tensor to be written, or one that was read: a name, sizes and values in row-major order.</summary>
/// <param name="Name">As PyTorch would call it: <c>0.weight</c>, <c>2.0.bias</c>.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Values">The values; empty if the tensor holds integers.</param>
public sealed record NamedTensor(string Name, long[] Shape, ReadOnlyMemory<float> Values)
{
    /// <summary>The values of a tensor of integers, such as <c>num_batches_tracked</c>; else null.</summary>
    public ReadOnlyMemory<long>? Integers { get; init; }

    /// <summary>Number of values there are, which must be what the shape says.</summary>
    public int ElementCount => Integers?.Length ?? Values.Length;

    /// <summary>A tensor of integers.</summary>
    public static NamedTensor OfIntegers(string name, long[] shape, ReadOnlyMemory<long> values) =>
        new(name, shape, default) { Integers = values };

    /// <summary>What a file holds: integers stay integers, everything else becomes floats.</summary>
    public static NamedTensor From(SafetensorsTensor tensor) => tensor.DType == SafetensorsType.I64
        ? OfIntegers(tensor.Name, tensor.Shape, tensor.ReadInt64s())
        : new NamedTensor(tensor.Name, tensor.Shape, tensor.ReadFloats());
}
