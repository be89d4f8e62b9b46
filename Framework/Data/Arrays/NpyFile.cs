using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>NumPy's file of one array (.npy), versions 1 to 3.</summary>
/// <remarks>
/// <code>
/// 6 bytes    \x93NUMPY
/// 2          version, 1.0 to 3.0
/// 2 or 4     length of the header, little-endian; 4 bytes from version 2 on
/// header     a Python dictionary of 'descr' (byte order, kind, size), 'fortran_order' and 'shape', padded with blanks
/// items      the last index runs fastest
/// </code>
/// Nothing is evaluated: three patterns are looked for. Sizes are checked against the file before memory is taken.
/// Source: NumPy Enhancement Proposal 1.
/// </remarks>
internal static partial class NpyFile
{
    private const int HeaderMax = 1 << 16;
    private const int RankMax = 8;
    private const int TextBytesMax = 256;

    /// <summary>Whether a file begins like one.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) => start.Length >= 6 && start[0] == 0x93
        && start.Slice(1, 5).SequenceEqual("NUMPY"u8);

    /// <summary>Reads an array.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="place">What messages call it.</param>
    /// <exception cref="DataException">It is damaged, or of a kind that is not read.</exception>
    public static NumericArray Read(RandomBytes bytes, string place)
    {
        string header = ReadHeader(bytes, place, out long start);
        Match type = TypePattern().Match(header);
        Match order = OrderPattern().Match(header);
        Match shape = ShapePattern().Match(header);
        if (!type.Success || !order.Success || !shape.Success)
        {
            throw FileFaults.Damaged(place, "its header lacks type, order or shape");
        }

        if (order.Groups[1].Value == "True")
        {
            throw new DataException(
                $"{place} is in Fortran order.", "Save it as numpy.save(file, numpy.ascontiguousarray(array)).");
        }

        return Make(place, type.Groups[1].Value, shape.Groups[1].Value, bytes, start);
    }

    /// <summary>Reads an array of one text, as CSBDeep keeps the names of axes; empty if it is none.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="place">What messages call it.</param>
    /// <exception cref="DataException">It is damaged.</exception>
    public static string ReadText(ReadOnlyMemory<byte> bytes, string place)
    {
        string header = ReadHeader(new MemoryBytes(bytes), place, out long start);
        if (bytes.Span[6] != 1)
        {
            throw FileFaults.Damaged(place, "it does not begin like a .npy file");
        }

        ReadOnlySpan<byte> text = bytes.Span[(int)start..];
        Match type = TypePattern().Match(header);
        bool isWide = type.Success && type.Groups[1].Value.StartsWith("<U", StringComparison.Ordinal);
        bool isNarrow = type.Success && type.Groups[1].Value.StartsWith("|S", StringComparison.Ordinal);
        return text.Length > TextBytesMax || !(isWide || isNarrow)
            ? ""
            : (isWide ? Encoding.UTF32 : Encoding.Latin1).GetString(text).TrimEnd('\0');
    }

    private static string ReadHeader(RandomBytes bytes, string place, out long start)
    {
        ReadOnlySpan<byte> file = bytes.View(0, (int)Math.Min(12, bytes.Length)).Span;
        if (file.Length < 12 || !Begins(file) || file[6] is < 1 or > 3)
        {
            throw FileFaults.Damaged(place, "it does not begin like a .npy file");
        }

        int lengthBytes = file[6] == 1 ? 2 : 4;
        uint length = lengthBytes == 2
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..])
            : BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        int first = 8 + lengthBytes;
        if (length > HeaderMax || length > bytes.Length - first)
        {
            throw FileFaults.Damaged(place, "its header is longer than the file");
        }

        start = first + length;
        return Encoding.Latin1.GetString(bytes.View(first, (int)length).Span);
    }

    private static NumericArray Make(string place, string type, string shape, RandomBytes file, long start)
    {
        bool isKnown = type.Length == 3 && type[0] is '<' or '>' or '|' or '='
            && (type[1] is 'u' or 'i' && type[2] is '1' or '2' or '4' or '8'
                || type[1] is 'f' && type[2] is '2' or '4' or '8');
        if (!isKnown)
        {
            throw new DataException(
                $"{place} has elements of type '{type}'; integers and floats can be read.",
                "Convert it, for example with array.astype('float32').");
        }

        int itemBytes = type[2] - '0';
        long available = file.Length - start;
        string[] words = shape.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] sizes = [.. words.Select(word =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : -1)];
        CheckNotEmpty(place, shape, sizes);
        return sizes.Length is > 0 and <= RankMax
            && NumericArray.BytesOf(sizes, itemBytes, available) == available
            ? new NumericArray(place, type[1], itemBytes, type[0] == '>', sizes, file, start)
            : throw FileFaults.Damaged(place, $"shape ({shape.Trim()}) of type '{type}' is not {available} bytes");
    }

    private static void CheckNotEmpty(string place, string shape, int[] sizes)
    {
        if (sizes.Length == 0)
        {
            throw new DataException($"{place} holds a single number, not an array.", "Save an array of images.");
        }

        if (Array.Exists(sizes, size => size == 0))
        {
            throw new DataException(
                $"{place} is empty: its shape is ({shape.Trim()}).", "Save an array with at least one image in it.");
        }
    }

    [GeneratedRegex("'descr'\\s*:\\s*'([^']{1,16})'")]
    private static partial Regex TypePattern();

    [GeneratedRegex("'fortran_order'\\s*:\\s*(True|False)\\b")]
    private static partial Regex OrderPattern();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([0-9, ]{0,160})\\)")]
    private static partial Regex ShapePattern();
}
