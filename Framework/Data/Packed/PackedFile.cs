using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Packed;

/// <summary>The file that a data set travels in: exactly the bytes that its content hash covers.</summary>
/// <remarks>
/// So SHA-256 of the file is the data set's hash, and nothing in it can be wrong unnoticed. One part after another:
/// <code>
/// line of ASCII, ended by \n    TYPE N C H W (a tensor) or TYPE C H W (a picture)
/// N C H W values                uint8: bytes; any other type: float32, little-endian, in the range of the run
/// </code>
/// </remarks>
internal static class PackedFile
{
    private const int LineMax = 96;
    private const int PartsMax = 1 << 22;

    /// <summary>Reads all parts.</summary>
    /// <exception cref="DataException">The file is not the one of this hash, or damaged.</exception>
    public static List<PackedPart> Read(string path, string hash)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            if (Convert.ToHexStringLower(SHA256.HashData(stream)) != hash)
            {
                throw Damaged(path, "its hash is wrong");
            }

            stream.Position = 0;
            List<PackedPart> parts = [];
            while (stream.Position < stream.Length)
            {
                parts.Add(parts.Count < PartsMax ? ReadPart(stream, path) : throw Damaged(path, "too many parts"));
            }

            return parts.Count > 0 ? parts : throw Damaged(path, "it is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: {exception.Message}", "Remove it: it is fetched again.", exception);
        }
    }

    private static PackedPart ReadPart(FileStream stream, string path)
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
        bool isBytes = words[0] == "uint8";
        UInt128 bytes = elements * (isBytes ? 1u : sizeof(float));
        if (elements > (UInt128)Array.MaxLength || bytes > (UInt128)(stream.Length - stream.Position))
        {
            throw Damaged(path, "a part is longer than the file");
        }

        byte[]? stored = isBytes ? GC.AllocateUninitializedArray<byte>((int)elements) : null;
        float[] floats = isBytes ? [] : GC.AllocateUninitializedArray<float>((int)elements);
        stream.ReadExactly(stored ?? MemoryMarshal.AsBytes(floats.AsSpan()));
        return new PackedPart(words[0], count, shape, stored, floats);
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
