using System.Text;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>The tags that matter for pixels, by the names of the specification.</summary>
internal enum TiffTag
{
    NewSubfileType = 254,
    ImageWidth = 256,
    ImageLength = 257,
    BitsPerSample = 258,
    Compression = 259,
    PhotometricInterpretation = 262,
    FillOrder = 266,
    ImageDescription = 270,
    StripOffsets = 273,
    SamplesPerPixel = 277,
    RowsPerStrip = 278,
    StripByteCounts = 279,
    XResolution = 282,
    YResolution = 283,
    PlanarConfiguration = 284,
    ResolutionUnit = 296,
    Predictor = 317,
    ColorMap = 320,
    TileWidth = 322,
    TileLength = 323,
    TileOffsets = 324,
    TileByteCounts = 325,
    ExtraSamples = 338,
    SampleFormat = 339,
}

/// <summary>One directory of a TIFF file, that is, the description of one page.</summary>
/// <remarks>
/// <code>
/// 2 bytes        number of entries
/// 12 each        tag (2), type (2: 1 byte, 3 short, 4 long), count (4), value or its offset (4)
/// 4              offset of the next directory; 0 after the last
/// </code>
/// In BigTIFF the number of entries, count, value and offsets have 8 bytes each; type 16 is a number of 8.
/// Values are read when they are asked for, and never more of them than the file has bytes.
/// </remarks>
internal sealed class TiffDirectory
{
    private const int AsciiType = 2;
    private const int RationalType = 5;
    private const int EntriesMax = ushort.MaxValue;
    private readonly TiffBytes _file;
    private readonly Dictionary<int, long> _entries = [];

    /// <summary>Reads the list of entries.</summary>
    /// <exception cref="DataException">It is not all inside the file.</exception>
    public TiffDirectory(TiffBytes file, long offset)
    {
        _file = file;
        long count = file.IsBig ? file.Int64(offset) : file.UInt16(offset);
        if (count > EntriesMax)
        {
            throw FileFaults.Damaged(file.Place, $"a directory has {count} entries");
        }

        long first = offset + (file.IsBig ? sizeof(long) : sizeof(ushort));
        int entryBytes = 4 + (2 * file.OffsetBytes);
        for (int i = 0; i < count; i++)
        {
            long entry = first + ((long)i * entryBytes);
            _entries.TryAdd(file.UInt16(entry), entry);
        }

        Next = file.Offset(first + (count * entryBytes));
    }

    /// <summary>Where the next directory is; 0 after the last.</summary>
    public long Next { get; }

    /// <summary>Whether there is such a tag.</summary>
    public bool Has(TiffTag tag) => _entries.ContainsKey((int)tag);

    /// <summary>A tag's only or first value.</summary>
    /// <exception cref="DataException">The tag is missing without a default, or damaged.</exception>
    public long Number(TiffTag tag, long? missing = null)
    {
        if (!Has(tag))
        {
            return missing ?? throw FileFaults.Damaged(_file.Place, $"tag {tag} is missing");
        }

        return Numbers(tag)[0];
    }

    /// <summary>A tag's text, without what is behind a zero byte; empty if it is missing or no text.</summary>
    /// <exception cref="DataException">It is not all inside the file.</exception>
    public string Text(TiffTag tag)
    {
        if (!_entries.TryGetValue((int)tag, out long entry) || _file.UInt16(entry + 2) != AsciiType)
        {
            return "";
        }

        ReadOnlySpan<byte> text = _file.Slice(StartOf(entry, itemBytes: 1, out long count), count);
        int end = text.IndexOf((byte)0);
        return Encoding.Latin1.GetString(end < 0 ? text : text[..end]);
    }

    /// <summary>A tag's first fraction: the numerator in the lower 32 bits; null if it is missing or none.</summary>
    /// <exception cref="DataException">It is not all inside the file.</exception>
    public ulong? Fraction(TiffTag tag)
    {
        if (!_entries.TryGetValue((int)tag, out long entry) || _file.UInt16(entry + 2) != RationalType)
        {
            return null;
        }

        long start = StartOf(entry, itemBytes: 8, out _);
        (ulong numerator, ulong denominator) = (_file.UInt32(start), _file.UInt32(start + sizeof(uint)));
        return numerator == 0 || denominator == 0 ? null : numerator | (denominator << 32);
    }

    /// <summary>All values of a tag; none if it is missing.</summary>
    /// <exception cref="DataException">They are not whole numbers, or not all inside the file.</exception>
    public long[] Numbers(TiffTag tag)
    {
        if (!_entries.TryGetValue((int)tag, out long entry))
        {
            return [];
        }

        int type = _file.UInt16(entry + 2);
        int itemBytes = type switch
        {
            1 => 1,
            3 => 2,
            4 or 13 => 4,
            16 or 18 when _file.IsBig => 8,
            _ => throw FileFaults.Damaged(_file.Place, $"tag {tag} has type {type}"),
        };
        long start = StartOf(entry, itemBytes, out long count);
        if (_file.Slice(start, count * itemBytes).Length == 0)
        {
            throw FileFaults.Damaged(_file.Place, $"tag {tag} has no value");
        }

        long[] numbers = new long[count];
        for (int i = 0; i < numbers.Length; i++)
        {
            long at = start + ((long)i * itemBytes);
            numbers[i] = itemBytes switch
            {
                1 => _file.Slice(at, 1)[0],
                2 => _file.UInt16(at),
                4 => _file.UInt32(at),
                _ => _file.Int64(at),
            };
        }

        return numbers;
    }

    /// <summary>Where an entry's values are: in the entry itself if they fit.</summary>
    private long StartOf(long entry, int itemBytes, out long count)
    {
        count = _file.Offset(entry + 4);
        if (count > _file.Length)
        {
            throw FileFaults.Damaged(_file.Place, $"a tag has {count} values");
        }

        long value = entry + 4 + _file.OffsetBytes;
        return count * itemBytes <= _file.OffsetBytes ? value : _file.Offset(value);
    }
}
