using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Packed;

/// <summary>A tensor or a picture of packed data.</summary>
/// <param name="Type">Of its values.</param>
/// <param name="Count">Images of a tensor; null for a picture.</param>
/// <param name="Shape">Of each image.</param>
/// <param name="Start">Of its values, in bytes of the packed data.</param>
internal readonly record struct PackedPart(string Type, int? Count, ImageShape Shape, long Start);

/// <summary>The form that a data set travels in: exactly the bytes that its content hash covers.</summary>
/// <remarks>
/// Two tensors are the two sides of pairs, anything else clean images, unless a first line says otherwise: "pairs" (the
/// first half of the pictures are the inputs, the others their targets) or "labels K" (a tensor of images, then one of
/// the class of each, N x 1 x 1 x 1 bytes below K). Then one part after another:
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

    /// <summary>Reads all lines: the first one, if it is no part; the parts; the length of the packed data.</summary>
    /// <param name="lines">Each ended by \n, without the values between them.</param>
    /// <exception cref="DataException">They are no such lines.</exception>
    public static (string Layout, List<PackedPart> Parts, long Length) ReadLines(ReadOnlySpan<byte> lines)
    {
        string layout = "";
        List<PackedPart> parts = [];
        long offset = 0;
        while (lines.Length > 0)
        {
            int end = lines.IndexOf((byte)'\n');
            if (end < 0 || end > LineMax || lines[..end].ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            {
                throw Damaged("a part does not begin with a line");
            }

            string line = Encoding.ASCII.GetString(lines[..end]);
            lines = lines[(end + 1)..];
            bool isLayout = offset == 0
                && (line == PairsLine || line.StartsWith(LabelsWord + " ", StringComparison.Ordinal));
            offset += end + 1;
            if (isLayout)
            {
                layout = line;
                continue;
            }

            PackedPart part = ReadPart(line, offset);
            parts.Add(parts.Count < PartsMax ? part : throw Damaged("too many parts"));
            offset = EndOf(part) is { } next && next <= long.MaxValue / 2
                ? (long)next
                : throw Damaged("a part is too large");
        }

        return parts.Count > 0 ? (layout, parts, offset) : throw Damaged("they are empty");
    }

    /// <summary>The images of packed data.</summary>
    /// <param name="index">What is where.</param>
    /// <param name="bytes">The packed data.</param>
    /// <param name="isInMemory">Whether all of it is read now; else images are read when they are asked for.</param>
    /// <exception cref="DataException">The parts are not what the first line says.</exception>
    public static ImageContent Open(PackedIndex index, RandomBytes bytes, bool isInMemory)
    {
        string layout = index.Layout;
        List<ImageBlock> parts = [];
        foreach (PackedPart part in index.Parts)
        {
            bool areLabels = layout.StartsWith(LabelsWord, StringComparison.Ordinal) && parts.Count == 1;
            parts.Add(Open(part, bytes, isInMemory || areLabels));
        }

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
            : throw Damaged($"their parts do not fit their first line, '{layout}'");
    }

    /// <summary>A fault of packed data.</summary>
    public static DataException Damaged(string why) => new(
        $"The data that come from the coordinator are damaged: {why}.",
        "Start the worker with --data and the data set on its own disk, and report this.");

    private static PackedPart ReadPart(string line, long offset)
    {
        string[] words = line.Split(' ');
        int[] numbers = [.. words.Skip(1).Select(word =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0)];
        return numbers.Length is 3 or 4 && numbers.All(number => number >= 1)
            ? new PackedPart(
                words[0],
                numbers.Length == 4 ? numbers[0] : null,
                new ImageShape(numbers[^3], numbers[^2], numbers[^1]),
                offset)
            : throw Damaged("a part has no shape");
    }

    private static bool IsOfBytes(PackedPart part) => part.Type == ImageBlock.ByteType;

    private static UInt128 ElementsOf(PackedPart part) =>
        (UInt128)(part.Count ?? 1) * (uint)part.Shape.C * (uint)part.Shape.H * (uint)part.Shape.W;

    private static UInt128 EndOf(PackedPart part) =>
        (UInt128)part.Start + (ElementsOf(part) * (IsOfBytes(part) ? 1u : sizeof(float)));

    private static ImageBlock Open(PackedPart part, RandomBytes bytes, bool isInMemory)
    {
        const string Name = "the data from the coordinator";
        bool isOfBytes = IsOfBytes(part);
        if (!isInMemory)
        {
            SampleFormat format = isOfBytes ? SampleFormat.OfBytes : new SampleFormat('f', sizeof(float), false);
            ArrayStore store = new(bytes, part.Start, format, part.Shape, channelsAreLast: false);
            return ImageBlock.OfStore(
                Name, part.Type, part.Count, part.Shape, store, typeMaximum: null, new ValueRange());
        }

        UInt128 elements = ElementsOf(part);
        if (elements > (UInt128)(Array.MaxLength / sizeof(float)))
        {
            throw Damaged("a part is too large");
        }

        byte[]? stored = isOfBytes ? GC.AllocateUninitializedArray<byte>((int)elements) : null;
        float[] floats = isOfBytes ? [] : GC.AllocateUninitializedArray<float>((int)elements);
        bytes.Read(part.Start, stored ?? MemoryMarshal.AsBytes(floats.AsSpan()));
        return new ImageBlock(Name, part.Type, part.Count, part.Shape, stored, floats);
    }
}
