using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Packed;

/// <summary>The file that a data set travels in: exactly the bytes that its content hash covers.</summary>
/// <remarks>
/// So SHA-256 of the file is the data set's hash, and nothing in it can be wrong unnoticed. Two tensors are the two
/// sides of pairs, anything else clean images, unless a first line says otherwise: "pairs" (the first half of the
/// pictures are the inputs, the others their targets) or "labels K" (a tensor of images, then one of the class of each,
/// N x 1 x 1 x 1 bytes below K). Then one part after another:
/// <code>
/// line of ASCII, ended by \n    TYPE N C H W (a tensor) or TYPE C H W (a picture)
/// N C H W values                uint8: bytes; any other type: float32, little-endian, in the range of the run
/// </code>
/// </remarks>
internal static class PackedFile
{
    /// <summary>First line of pairs of pictures.</summary>
    public const string PairsLine = "pairs";

    /// <summary>First word of the first line of images with classes.</summary>
    public const string LabelsWord = "labels";

    private const int LineMax = 96;
    private const int PartsMax = 1 << 22;

    /// <summary>Reads the first line, if it is no part, and all parts.</summary>
    /// <exception cref="DataException">The file is not the one of this hash, or damaged.</exception>
    public static (string Layout, List<ImageBlock> Parts) Read(string path, string hash)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            if (Convert.ToHexStringLower(SHA256.HashData(stream)) != hash)
            {
                throw Damaged(path, "its hash is wrong");
            }

            stream.Position = 0;
            string layout = ReadLayout(stream, path);
            List<ImageBlock> parts = [];
            while (stream.Position < stream.Length)
            {
                parts.Add(parts.Count < PartsMax ? ReadPart(stream, path) : throw Damaged(path, "too many parts"));
            }

            return parts.Count > 0 ? (layout, parts) : throw Damaged(path, "it is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: {exception.Message}", "Remove it: it is fetched again.", exception);
        }
    }

    /// <summary>What the parts are to each other.</summary>
    /// <exception cref="DataException">They are not what the first line says.</exception>
    public static ImageContent ToContent(string layout, List<ImageBlock> parts, string path)
    {
        if (layout == PairsLine && parts.Count % 2 == 0)
        {
            return new ImageContent(parts[..(parts.Count / 2)]) { Targets = parts[(parts.Count / 2)..] };
        }

        if (layout.Length == 0)
        {
            return parts is [{ Count: not null }, { Count: not null }]
                ? new ImageContent([parts[0]]) { Targets = [parts[1]] }
                : new ImageContent(parts);
        }

        return parts is [{ Count: not null }, { Bytes: { } labels }]
            && int.TryParse(layout[LabelsWord.Length..], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture,
                out int classes)
            ? new ImageContent([parts[0]]) { Labels = labels, ClassCount = classes }
            : throw Damaged(path, $"its parts do not fit its first line, '{layout}'");
    }

    private static string ReadLayout(FileStream stream, string path)
    {
        string line = ReadLine(stream, path);
        if (line == PairsLine || line.StartsWith(LabelsWord + " ", StringComparison.Ordinal))
        {
            return line;
        }

        stream.Position = 0;
        return "";
    }

    private static ImageBlock ReadPart(FileStream stream, string path)
    {
        string[] words = ReadLine(stream, path).Split(' ');
        int[] numbers = [.. words.Skip(1).Select(word =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0)];
        if (numbers.Length is not (3 or 4) || numbers.Any(number => number < 1))
        {
            throw Damaged(path, "a part has no shape");
        }

        int? count = numbers.Length == 4 ? numbers[0] : null;
        ImageShape shape = new(numbers[^3], numbers[^2], numbers[^1]);
        UInt128 elements = (UInt128)(count ?? 1) * (uint)shape.C * (uint)shape.H * (uint)shape.W;
        bool isBytes = words[0] == ImageBlock.ByteType;
        UInt128 bytes = elements * (isBytes ? 1u : sizeof(float));
        if (elements > (UInt128)Array.MaxLength || bytes > (UInt128)(stream.Length - stream.Position))
        {
            throw Damaged(path, "a part is longer than the file");
        }

        byte[]? stored = isBytes ? GC.AllocateUninitializedArray<byte>((int)elements) : null;
        float[] floats = isBytes ? [] : GC.AllocateUninitializedArray<float>((int)elements);
        stream.ReadExactly(stored ?? MemoryMarshal.AsBytes(floats.AsSpan()));
        return new ImageBlock(path, words[0], count, shape, stored, floats);
    }

    private static string ReadLine(FileStream stream, string path)
    {
        StringBuilder line = new();
        for (int next = stream.ReadByte(); next != '\n'; next = stream.ReadByte())
        {
            if (next < ' ' || next > '~' || line.Length == LineMax)
            {
                throw Damaged(path, "a part does not begin with a line");
            }

            line.Append((char)next);
        }

        return line.ToString();
    }

    private static DataException Damaged(string path, string why) =>
        new($"The packed data {path} are damaged: {why}.", "Remove the file: it is fetched again.");
}
