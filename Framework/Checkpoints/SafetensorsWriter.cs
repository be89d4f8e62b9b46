using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Distributed.Framework.Checkpoints;

/// <summary>
/// Writes safetensors files that any reader of the format loads; layout in <see cref="SafetensorsHeader"/>.
/// </summary>
/// <remarks>
/// The header lists the tensors in the given order. The data has the integers first, as PyTorch's reader wants every
/// tensor aligned to its element size; the header is padded to a multiple of 8 bytes for the same reason.
/// Memory: the header. Equal input gives equal bytes.
/// </remarks>
public static class SafetensorsWriter
{
    private const int HeaderAlignmentBytes = 8;

    /// <summary>Elements written at once: 1 MiB of floats, few calls and no overflow of byte counts.</summary>
    private const int ElementsAtOnce = 1 << 18;

    /// <summary>Writes one file.</summary>
    /// <param name="stream">Written from where it stands; need not be seekable.</param>
    /// <param name="metadata">Strings to keep with the tensors, in order; null or empty for none.</param>
    /// <param name="tensors">The tensors; names are unique and shapes fit the values.</param>
    /// <exception cref="ArgumentException">A name is used twice or is reserved, or a shape does not fit.</exception>
    public static void Write(
        Stream stream, IEnumerable<KeyValuePair<string, string>>? metadata, IReadOnlyList<NamedTensor> tensors)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Tensors are written as they lie in memory, little-endian.");
        }

        CheckTensors(tensors);
        WriteHeader(stream, metadata ?? [], tensors);
        foreach (NamedTensor tensor in DataOrder(tensors))
        {
            if (tensor.Integers is { } integers)
            {
                WriteData(stream, integers.Span);
            }
            else
            {
                WriteData(stream, tensor.Values.Span);
            }
        }
    }

    private static IEnumerable<NamedTensor> DataOrder(IReadOnlyList<NamedTensor> tensors) =>
        tensors.Where(tensor => tensor.Integers is not null).Concat(tensors.Where(tensor => tensor.Integers is null));

    private static void CheckTensors(IReadOnlyList<NamedTensor> tensors)
    {
        HashSet<string> names = new(StringComparer.Ordinal) { "__metadata__" };
        foreach (NamedTensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
            {
                throw new ArgumentException($"The tensor name {tensor.Name} is taken.", nameof(tensors));
            }

            long elements = tensor.Shape.Aggregate(1L, (product, size) => checked(product * size));
            if (elements != tensor.ElementCount)
            {
                throw new ArgumentException(
                    $"{tensor.Name} [{string.Join(", ", tensor.Shape)}] has {tensor.ElementCount} values.",
                    nameof(tensors));
            }
        }
    }

    private static void WriteHeader(
        Stream stream, IEnumerable<KeyValuePair<string, string>> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        ArrayBufferWriter<byte> header = new();
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            Dictionary<string, long> starts = DataStarts(tensors);
            foreach (NamedTensor tensor in tensors)
            {
                WriteEntry(json, tensor, starts[tensor.Name]);
            }

            json.WriteEndObject();
        }

        int padding = -header.WrittenCount & (HeaderAlignmentBytes - 1);
        header.GetSpan(padding)[..padding].Fill((byte)' ');
        header.Advance(padding);
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.WrittenCount);
        stream.Write(prefix);
        stream.Write(header.WrittenSpan);
    }

    private static void WriteMetadata(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        foreach ((string key, string value) in metadata)
        {
            if (keys.Count == 0)
            {
                json.WriteStartObject("__metadata__");
            }

            if (!keys.Add(key))
            {
                throw new ArgumentException($"The metadata key {key} is taken.", nameof(metadata));
            }

            json.WriteString(key, value);
        }

        if (keys.Count > 0)
        {
            json.WriteEndObject();
        }
    }

    private static Dictionary<string, long> DataStarts(IReadOnlyList<NamedTensor> tensors)
    {
        Dictionary<string, long> starts = new(StringComparer.Ordinal);
        long start = 0;
        foreach (NamedTensor tensor in DataOrder(tensors))
        {
            starts.Add(tensor.Name, start);
            start += DataBytes(tensor);
        }

        return starts;
    }

    private static long DataBytes(NamedTensor tensor) =>
        (long)tensor.ElementCount * (tensor.Integers is null ? sizeof(float) : sizeof(long));

    private static void WriteEntry(Utf8JsonWriter json, NamedTensor tensor, long start)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Integers is null ? "F32" : "I64");
        json.WriteStartArray("shape");
        foreach (long size in tensor.Shape)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(start);
        json.WriteNumberValue(start + DataBytes(tensor));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteData<T>(Stream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        while (!values.IsEmpty)
        {
            ReadOnlySpan<T> part = values[..Math.Min(values.Length, ElementsAtOnce)];
            stream.Write(MemoryMarshal.AsBytes(part));
            values = values[part.Length..];
        }
    }
}
