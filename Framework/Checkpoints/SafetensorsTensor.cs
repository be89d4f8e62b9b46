using System.Buffers.Binary;

namespace Distributed.Framework.Checkpoints;

/// <summary>One tensor of a safetensors file, in memory.</summary>
public sealed class SafetensorsTensor
{
    private readonly byte[] _data;

    internal SafetensorsTensor(SafetensorsEntry entry, byte[] data)
    {
        Name = entry.Name;
        DType = entry.Type;
        Shape = entry.Shape;
        _data = data;
    }

    /// <summary>Its name, unique in the file.</summary>
    public string Name { get; }

    /// <summary>Type of the elements as stored.</summary>
    public SafetensorsType DType { get; }

    /// <summary>Sizes, outermost first; empty for a scalar, which has one element.</summary>
    public long[] Shape { get; }

    /// <summary>Number of elements.</summary>
    public int ElementCount => _data.Length / DType.Bytes();

    /// <summary>All elements in row-major order. F16 and BF16 convert exactly; F64 and I64 round to nearest.</summary>
    public float[] ReadFloats()
    {
        float[] values = new float[ElementCount];
        ReadFloats(values);
        return values;
    }

    /// <summary>As <see cref="ReadFloats()"/>, into memory of the caller.</summary>
    /// <exception cref="ArgumentException"><paramref name="values"/> has another length.</exception>
    public void ReadFloats(Span<float> values)
    {
        if (values.Length != ElementCount)
        {
            throw new ArgumentException($"{Name} has {ElementCount} elements, not {values.Length}.", nameof(values));
        }

        int size = DType.Bytes();
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ToFloat(_data.AsSpan(i * size, size));
        }
    }

    /// <summary>All elements of an I64 tensor in row-major order.</summary>
    /// <exception cref="InvalidOperationException">The tensor is of another type.</exception>
    public long[] ReadInt64s()
    {
        if (DType != SafetensorsType.I64)
        {
            throw new InvalidOperationException($"{Name} holds {DType}, not I64.");
        }

        long[] values = new long[ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadInt64LittleEndian(_data.AsSpan(i * sizeof(long)));
        }

        return values;
    }

    private float ToFloat(ReadOnlySpan<byte> element) => DType switch
    {
        SafetensorsType.F32 => BinaryPrimitives.ReadSingleLittleEndian(element),
        SafetensorsType.F64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
        SafetensorsType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
        SafetensorsType.BF16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
        SafetensorsType.I64 => BinaryPrimitives.ReadInt64LittleEndian(element),
        _ => element[0],
    };
}
