using System.Buffers.Binary;

namespace Distributed.Framework.Data.Pickle;

/// <summary>A tensor of a file: a strided view of a storage, checked to lie within it.</summary>
public sealed class TorchTensor : PickleValue
{
    private readonly TorchStorage _storage;
    private readonly long _offset;
    private readonly long[] _shape;
    private readonly long[] _strides;

    /// <summary>The caller has checked everything: see <see cref="TensorBuilder"/>.</summary>
    internal TorchTensor(TorchStorage storage, long offset, long[] shape, long[] strides)
    {
        _storage = storage;
        _offset = offset;
        _shape = shape;
        _strides = strides;
        ElementCount = 1;
        foreach (long size in shape)
        {
            ElementCount *= size;
        }
    }

    /// <summary>Type of the elements.</summary>
    public TorchDType DType => _storage.Type;

    /// <summary>Sizes; empty for a single number.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Product of the sizes; fits an array.</summary>
    public long ElementCount { get; }

    /// <inheritdoc/>
    public override string Kind => $"a {DType} tensor of shape [{string.Join(", ", _shape)}]";

    /// <summary>
    /// Writes the elements as floats, the last dimension running fastest; rounded to nearest, nothing scaled.
    /// </summary>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyTo(Span<float> destination)
    {
        CheckLength(destination.Length);
        int itemBytes = DType.ItemBytes();
        int written = 0;
        foreach ((long start, long count, long stride) in Runs())
        {
            for (long i = 0; i < count; i++)
            {
                destination[written++] = ToFloat(_storage.Bytes.AsSpan((int)((start + (i * stride)) * itemBytes)));
            }
        }
    }

    /// <summary>Writes the bytes of a tensor of bytes, the last dimension running fastest.</summary>
    /// <exception cref="InvalidOperationException">The elements are not UInt8.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyTo(Span<byte> destination)
    {
        if (DType != TorchDType.UInt8)
        {
            throw new InvalidOperationException($"The tensor holds {DType}, not bytes.");
        }

        CheckLength(destination.Length);
        int written = 0;
        foreach ((long start, long count, long stride) in Runs())
        {
            ReadOnlySpan<byte> source = _storage.Bytes.AsSpan((int)start);
            if (stride == 1)
            {
                source[..(int)count].CopyTo(destination[written..]);
                written += (int)count;
                continue;
            }

            for (long i = 0; i < count; i++)
            {
                destination[written++] = source[(int)(i * stride)];
            }
        }
    }

    /// <summary>The elements as new floats.</summary>
    public float[] ToFloats()
    {
        float[] values = GC.AllocateUninitializedArray<float>((int)ElementCount);
        CopyTo(values);
        return values;
    }

    /// <summary>The bytes of a tensor of bytes, as a new array.</summary>
    public byte[] ToBytes()
    {
        byte[] values = GC.AllocateUninitializedArray<byte>((int)ElementCount);
        CopyTo(values);
        return values;
    }

    /// <summary>
    /// The elements in order, as runs along the last dimension; trailing dense dimensions are one run.
    /// </summary>
    private IEnumerable<(long Start, long Count, long Stride)> Runs()
    {
        if (ElementCount == 0)
        {
            yield break;
        }

        int outer = _shape.Length;
        long count = 1;
        while (outer > 0 && (_strides[outer - 1] == count || _shape[outer - 1] == 1))
        {
            count *= _shape[--outer];
        }

        long stride = 1;
        if (count == 1 && outer > 0)
        {
            outer--;
            (count, stride) = (_shape[outer], _strides[outer]);
        }

        long[] index = new long[outer];
        long start = _offset;
        while (true)
        {
            yield return (start, count, stride);
            int dimension = outer - 1;
            for (; dimension >= 0; dimension--)
            {
                start += _strides[dimension];
                if (++index[dimension] < _shape[dimension])
                {
                    break;
                }

                start -= _strides[dimension] * _shape[dimension];
                index[dimension] = 0;
            }

            if (dimension < 0)
            {
                yield break;
            }
        }
    }

    private float ToFloat(ReadOnlySpan<byte> item) => DType switch
    {
        TorchDType.UInt8 => item[0],
        TorchDType.Int8 => (sbyte)item[0],
        TorchDType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(item),
        TorchDType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(item),
        TorchDType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(item),
        TorchDType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(item),
        TorchDType.BFloat16 =>
            BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(item) << 16),
        TorchDType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(item),
        TorchDType.Float64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(item),
        _ => item[0] == 0 ? 0 : 1,
    };

    private void CheckLength(int length)
    {
        if (length != ElementCount)
        {
            throw new ArgumentException($"The tensor has {ElementCount} elements, the destination {length}.");
        }
    }
}
