using Distributed.Framework.Errors;

namespace Distributed.Framework.Tensors;

/// <summary>
/// Floats with a shape, contiguous, the last dimension fastest: images are [N, C, H, W] or [C, H, W].
/// </summary>
/// <remarks>
/// Outside of networks only; inside they keep a layout of their own. A tensor may be a view of memory that others hold,
/// as those of <see cref="Training.Network.Param"/> are: writing to it then changes what they see.
/// </remarks>
public sealed class Tensor
{
    private readonly int[] _shape;
    private readonly Memory<float> _values;

    /// <summary>Zeros.</summary>
    /// <param name="shape">Sizes of the dimensions, each at least 1; none for a single number.</param>
    /// <exception cref="ShapeException">A size is below 1, or the elements exceed a buffer.</exception>
    public Tensor(params ReadOnlySpan<int> shape)
        : this(new AlignedBuffer(CountOf(shape)).Memory, shape)
    {
    }

    /// <summary>A view of values; nothing is copied.</summary>
    /// <param name="values">As many as the shape has elements.</param>
    /// <param name="shape">Sizes of the dimensions, each at least 1.</param>
    /// <exception cref="ShapeException">The shape does not fit the values.</exception>
    public Tensor(Memory<float> values, params ReadOnlySpan<int> shape)
    {
        int count = CountOf(shape);
        if (count != values.Length)
        {
            throw new ShapeException(
                $"Shape {Text(shape)} has {count} elements; {values.Length} values are given.",
                "Give a shape whose sizes multiply to the number of values.");
        }

        _shape = shape.ToArray();
        _values = values;
    }

    /// <summary>Sizes of the dimensions.</summary>
    public IReadOnlyList<int> Shape => _shape;

    /// <summary>The values, row-major.</summary>
    public Span<float> Span => _values.Span;

    /// <summary>One element.</summary>
    /// <param name="index">A 0-based index a dimension.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside its dimension.</exception>
    /// <exception cref="ArgumentException">There are more or fewer indices than dimensions.</exception>
    public ref float this[params ReadOnlySpan<int> index] => ref _values.Span[Offset(index)];

    /// <summary>A view of one entry of the first dimension: sample n of a batch.</summary>
    public Tensor Sample(int n)
    {
        ArgumentOutOfRangeException.ThrowIfZero(_shape.Length, nameof(Shape));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)n, (uint)_shape[0], nameof(n));
        int count = _values.Length / _shape[0];
        return new Tensor(_values.Slice(n * count, count), _shape.AsSpan(1));
    }

    /// <summary>The same values in another shape; a view.</summary>
    /// <exception cref="ShapeException">The shapes have different numbers of elements.</exception>
    public Tensor Reshape(params ReadOnlySpan<int> shape) => new(_values, shape);

    /// <summary>A copy with memory of its own.</summary>
    public Tensor Clone()
    {
        Tensor copy = new(_shape);
        Span.CopyTo(copy.Span);
        return copy;
    }

    /// <inheritdoc/>
    public override string ToString() => $"Tensor {Text(_shape)}";

    /// <summary>The values, where a span cannot go.</summary>
    internal Memory<float> Memory => _values;

    private static string Text(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private static int CountOf(ReadOnlySpan<int> shape)
    {
        Int128 count = 1;
        foreach (int size in shape)
        {
            count *= size;
            if (size < 1 || count > AlignedBuffer.LengthMax)
            {
                throw new ShapeException(
                    $"Shape {Text(shape)}: allowed are sizes of 1 or more, and {AlignedBuffer.LengthMax} elements.",
                    "Give a smaller shape without empty dimensions.");
            }
        }

        return (int)count;
    }

    private int Offset(ReadOnlySpan<int> index)
    {
        if (index.Length != _shape.Length)
        {
            throw new ArgumentException($"{index.Length} indices for {this}.", nameof(index));
        }

        int offset = 0;
        for (int i = 0; i < index.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index[i], (uint)_shape[i], nameof(index));
            offset = (offset * _shape[i]) + index[i];
        }

        return offset;
    }
}
