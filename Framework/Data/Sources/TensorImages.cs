using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>The images of one tensor, N x C x H x W. Bytes stay bytes in memory; other types become floats.</summary>
public sealed class TensorImages : ImageSet
{
    private readonly string _name;
    private readonly string _type;
    private readonly ImageShape _shape;
    private readonly byte[]? _bytes;
    private readonly float[] _floats;

    /// <param name="tensor">N x C x H x W; no bools.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <exception cref="DataException">Another rank, empty, or a value that is not finite.</exception>
    internal TensorImages(TorchTensor tensor, string name, ValueRange range)
    {
        if (tensor.Shape.Count != 4 || tensor.ElementCount == 0 || tensor.DType == TorchDType.Bool)
        {
            throw new DataException(
                $"{name} is {tensor.Kind}; images are needed, N x C x H x W.",
                "Save a tuple of two tensors of that shape, of bytes or floats.");
        }

        _name = name;
        _type = tensor.DType.ToString().ToLowerInvariant();
        Count = (int)tensor.Shape[0];
        _shape = new ImageShape((int)tensor.Shape[1], (int)tensor.Shape[2], (int)tensor.Shape[3]);
        if (tensor.DType == TorchDType.UInt8)
        {
            _bytes = tensor.ToBytes();
            _floats = range.ByteTable();
            return;
        }

        _floats = tensor.ToFloats();
        CheckFinite(_floats);
        range.Apply(_floats, tensor.DType.IntegerMaximum());
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{_name}, image {index}");

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int index) => _shape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination)
    {
        int start = checked(index * _shape.Elements);
        if (_bytes is not null)
        {
            CopyBytes(_bytes.AsSpan(start, _shape.Elements), _shape, _floats, top, left, window, destination);
            return;
        }

        ReadOnlySpan<float> image = _floats.AsSpan(start, _shape.Elements);
        for (int row = 0; row < window.C * window.H; row++)
        {
            int source = (((row / window.H * _shape.H) + top + (row % window.H)) * _shape.W) + left;
            image.Slice(source, window.W).CopyTo(destination[(row * window.W)..]);
        }
    }

    /// <inheritdoc/>
    public override void WriteContent(Stream target)
    {
        ArgumentNullException.ThrowIfNull(target);
        WriteLine(target, string.Create(
            CultureInfo.InvariantCulture, $"{_type} {Count} {_shape.C} {_shape.H} {_shape.W}"));
        target.Write(_bytes ?? MemoryMarshal.AsBytes(_floats.AsSpan()));
    }

    private void CheckFinite(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                int inside = i % _shape.Elements;
                throw new DataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{_name}: element [{i / _shape.Elements}, {inside / (_shape.H * _shape.W)}, "
                        + $"{inside / _shape.W % _shape.H}, {inside % _shape.W}] is {values[i]}."),
                    "Replace or leave out images with values that are not finite.");
            }
        }
    }
}
