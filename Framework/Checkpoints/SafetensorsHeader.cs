using System.Buffers.Binary;
using System.Text.Json;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Checkpoints;

/// <summary>Where one tensor lies.</summary>
/// <param name="Name">Unique in the file.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte, counted likewise.</param>
internal sealed record SafetensorsEntry(string Name, SafetensorsType Type, long[] Shape, long Begin, long End);

/// <summary>The header of a safetensors file: what is in it and where. Trusts nothing it reads.</summary>
/// <remarks>
/// <code>
/// offset  bytes  what
/// 0       8      n, length of the header, unsigned, little-endian
/// 8       n      JSON: {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
///                "__metadata__": {"KEY": "VALUE", ...}}, padded with spaces at the end
/// 8 + n   rest   tensor data; offsets count from here and cover it without gap or overlap
/// </code>
/// Strict: names and keys are unique, fields are exactly these, sizes agree with shapes, the data ends with the file.
/// Memory: the header's own length, which is checked against the file before anything is allocated.
/// Source: github.com/huggingface/safetensors, format as of version 0.4, whose header limit this is.
/// </remarks>
internal sealed class SafetensorsHeader
{
    private const long HeaderBytesMax = 100_000_000;
    private const int DepthMax = 4;
    private const string MetadataName = "__metadata__";

    private readonly string _place;
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Start, int Length)> _positions = new(StringComparer.Ordinal);
    private readonly List<SafetensorsEntry> _entries = [];

    private SafetensorsHeader(string place)
    {
        _place = place;
    }

    /// <summary>The string map under <c>__metadata__</c>; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>For every metadata key, where in the file its value lies, without the quotes and as escaped.</summary>
    public IReadOnlyDictionary<string, (long Start, int Length)> MetadataPositions => _positions;

    /// <summary>The tensors in the order of the header.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _entries;

    /// <summary>Where in the file the data begins.</summary>
    public long DataStart { get; private set; }

    /// <summary>Reads the header at the start of a stream and checks it against the stream's length.</summary>
    /// <param name="stream">Seekable; stands at the start of the data afterwards.</param>
    /// <param name="place">What to call it in errors.</param>
    /// <exception cref="DataException">It is no safetensors file, or a damaged one.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static SafetensorsHeader Read(Stream stream, string place)
    {
        SafetensorsHeader header = new(place);
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        if (stream.Length < prefix.Length)
        {
            throw header.Fault($"it has {stream.Length} bytes, less than the length of its header");
        }

        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > HeaderBytesMax || (long)length > stream.Length - prefix.Length)
        {
            throw header.Fault($"it claims a header of {length} bytes but has {stream.Length}");
        }

        byte[] json = new byte[length];
        stream.ReadExactly(json);
        header.DataStart = prefix.Length + json.Length;
        header.Parse(json);
        header.CheckCoverage(stream.Length - header.DataStart);
        return header;
    }

    private void Parse(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw Fault("its header does not begin with '{'");
        }

        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = DepthMax });
            reader.Read();
            ParseObject(ref reader);
            reader.Read(); // Throws if anything but white space follows.
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            // InvalidOperationException: a token of another type, or a string that is not valid UTF-8.
            throw Fault($"its header is no valid JSON for this format ({FirstLine(exception.Message)})", exception);
        }
    }

    private void ParseObject(ref Utf8JsonReader reader)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        while (ReadName(ref reader, names) is { } name)
        {
            Expect(ref reader, JsonTokenType.StartObject);
            if (name == MetadataName)
            {
                ParseMetadata(ref reader);
            }
            else
            {
                _entries.Add(ParseEntry(ref reader, name));
            }
        }
    }

    private void ParseMetadata(ref Utf8JsonReader reader)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        while (ReadName(ref reader, keys) is { } key)
        {
            Expect(ref reader, JsonTokenType.String);
            _metadata.Add(key, reader.GetString()!);
            _positions.Add(key, (sizeof(ulong) + reader.TokenStartIndex + 1, reader.ValueSpan.Length));
        }
    }

    private SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name)
    {
        SafetensorsType? type = null;
        long[]? shape = null, offsets = null;
        HashSet<string> fields = new(StringComparer.Ordinal);
        while (ReadName(ref reader, fields) is { } field)
        {
            switch (field)
            {
                case "dtype":
                    Expect(ref reader, JsonTokenType.String);
                    string typeName = reader.GetString()!;
                    type = SafetensorsTypes.Parse(typeName)
                        ?? throw Fault($"tensor '{Shown(name)}' has the element type '{Shown(typeName)}', which is "
                            + "none of F32, F64, F16, BF16, I64 and U8");
                    break;
                case "shape":
                    shape = ParseSizes(ref reader);
                    break;
                case "data_offsets":
                    offsets = ParseSizes(ref reader);
                    break;
                default:
                    throw Fault($"tensor '{Shown(name)}' has the unknown field '{Shown(field)}'");
            }
        }

        if (type is null || shape is null || offsets is not [long begin, long end])
        {
            throw Fault($"tensor '{Shown(name)}' lacks its type, shape or two offsets");
        }

        CheckSize(name, type.Value, shape, begin, end);
        return new SafetensorsEntry(name, type.Value, shape, begin, end);
    }

    private long[] ParseSizes(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        List<long> sizes = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size) || size < 0)
            {
                throw Fault("its header has a size or offset that is no whole number from 0 to 2^63 - 1");
            }

            sizes.Add(size);
        }

        return [.. sizes];
    }

    private void CheckSize(string name, SafetensorsType type, long[] shape, long begin, long end)
    {
        UInt128 bytes = (UInt128)type.Bytes();
        foreach (long size in shape)
        {
            bytes *= (UInt128)size;
            if (bytes > long.MaxValue)
            {
                throw Fault($"tensor '{Shown(name)}' is larger than 2^63 bytes");
            }
        }

        if (end < begin || (UInt128)(end - begin) != bytes)
        {
            throw Fault($"tensor '{Shown(name)}' has {bytes} bytes by its shape but lies from {begin} to {end}");
        }

        if (bytes > (UInt128)Array.MaxLength)
        {
            throw Fault($"tensor '{Shown(name)}' has {bytes} bytes; the most is {Array.MaxLength}");
        }
    }

    /// <summary>Tensors must cover the data exactly: no gap, no overlap, nothing beyond the end.</summary>
    private void CheckCoverage(long dataBytes)
    {
        long end = 0;
        foreach (SafetensorsEntry entry in _entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != end)
            {
                throw Fault($"tensor '{Shown(entry.Name)}' begins at {entry.Begin}; the one before ends at {end}");
            }

            end = entry.End;
        }

        if (end != dataBytes)
        {
            throw Fault($"its tensors end at byte {end} of the data, which has {dataBytes}");
        }
    }

    /// <summary>The next property name, or null at the end of the object.</summary>
    private string? ReadName(ref Utf8JsonReader reader, HashSet<string> seen)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        string name = reader.GetString()!;
        return seen.Add(name) ? name : throw Fault($"its header has '{Shown(name)}' twice");
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        reader.Read();
        if (reader.TokenType != type)
        {
            throw Fault($"its header has a {reader.TokenType} where a {type} belongs (byte {reader.TokenStartIndex})");
        }
    }

    private DataException Fault(string what, Exception? inner = null) => new(
        $"{_place} cannot be read as safetensors: {what}.",
        "Use a whole, unchanged safetensors file; copy or download it again if it should be one.",
        inner);

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd('.', ' ', '\r');

    /// <summary>A name from the file, fit for a terminal: short, and without control characters.</summary>
    private static string Shown(string name)
    {
        string head = name.Length > 80 ? name[..80] + "..." : name;
        return string.Concat(head.Select(character => char.IsControl(character) ? '?' : character));
    }
}
