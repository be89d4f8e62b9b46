using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Checkpoints;

/// <summary>A checkpoint as one safetensors file that vouches for itself.</summary>
/// <remarks>
/// Tensors: the parameters, the buffers, then the optimizer state with <c>optimizer.</c> before each name.
/// Metadata, all of it text:
/// <code>
/// sha256             hash over the whole file, with these 64 hexadecimal digits themselves as the digit 0
/// format             "pt": names and layout are PyTorch's
/// checkpointVersion  1
/// step               optimizer updates done
/// parameters         how many of the tensors are parameters; they come first
/// buffers            how many are buffers; they come next
/// configuration      JSON
/// extra.KEY          scalars
/// </code>
/// The hash finds damage, not forgery: whoever can change the file can change the hash.
/// </remarks>
public static class CheckpointFile
{
    private const string Version = "1";
    private const string VersionKey = "checkpointVersion";
    private const string OptimizerPrefix = "optimizer.";
    private const string ExtraPrefix = "extra.";
    private const string HashKey = "sha256";
    private const int HashDigits = 64;
    private static readonly string s_zeros = new('0', HashDigits);

    /// <summary>Writes a checkpoint and then its hash.</summary>
    /// <param name="stream">Seekable, empty; a prefix of the file is never valid.</param>
    /// <param name="checkpoint">What to write.</param>
    public static void Write(Stream stream, Checkpoint checkpoint)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (HashingStream hashing = new(stream, hash))
        {
            SafetensorsWriter.Write(hashing, Metadata(checkpoint), Tensors(checkpoint));
        }

        // The hash is the first metadata entry, so its digits are at a fixed place.
        int position = sizeof(ulong) + $$"""{"__metadata__":{"{{HashKey}}":""".Length + 1;
        stream.Position = position;
        stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())));
        stream.Position = stream.Length;
    }

    /// <summary>Checks the hash of a file without loading its tensors.</summary>
    /// <exception cref="DataException">The file is missing, damaged, or no checkpoint.</exception>
    public static void Verify(string path) => SafetensorsFile.WithStream(path, stream => Verified(stream, path));

    /// <summary>Reads and checks a checkpoint.</summary>
    /// <exception cref="DataException">The file is missing, damaged, or no checkpoint.</exception>
    public static Checkpoint Read(string path) => SafetensorsFile.WithStream(path, stream => Read(stream, path));

    /// <summary>As <see cref="Read(string)"/>, from the start of a seekable stream.</summary>
    /// <exception cref="DataException">It is damaged, or no checkpoint.</exception>
    public static Checkpoint Read(Stream stream, string place)
    {
        stream.Position = 0;
        return Read(stream, SafetensorsHeader.Read(stream, place), place);
    }

    /// <summary>Whether a header is that of a checkpoint, whole or not.</summary>
    internal static bool IsCheckpoint(SafetensorsHeader header) => header.Metadata.ContainsKey(VersionKey);

    /// <summary>As the others, behind a header that is read already. The tensors are hashed as they are read.</summary>
    /// <exception cref="DataException">It is damaged, or no checkpoint.</exception>
    internal static Checkpoint Read(Stream stream, SafetensorsHeader header, string place)
    {
        long digits = HashPosition(header, place);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        stream.Position = 0;
        AppendFromStart(hash, stream, digits, header.DataStart);
        SafetensorsFile file = SafetensorsFile.ReadData(stream, header, data => hash.AppendData(data));
        CheckHash(hash, header, place);
        if (Text(VersionKey) is var version && version != Version)
        {
            throw new DataException(
                $"{place} is a checkpoint of version {version}; this program reads version {Version}.",
                "Use the version of the program that wrote it.");
        }

        int parameters = (int)Number("parameters", file.Tensors.Count);
        int buffers = (int)Number("buffers", file.Tensors.Count - parameters);
        List<NamedTensor> tensors = [.. file.Tensors.Select(NamedTensor.From)];
        List<NamedTensor> state = tensors[(parameters + buffers)..];
        if (state.Exists(tensor => !tensor.Name.StartsWith(OptimizerPrefix, StringComparison.Ordinal)))
        {
            throw Fault(place, "it has more tensors than parameters, buffers and optimizer state");
        }

        return new Checkpoint(
            Number("step", long.MaxValue),
            Text("configuration"),
            tensors[..parameters],
            tensors[parameters..(parameters + buffers)],
            [.. state.Select(tensor => tensor with { Name = tensor.Name[OptimizerPrefix.Length..] })],
            ExtraOf(file.Metadata));

        string Text(string key) =>
            file.Metadata.TryGetValue(key, out string? text) ? text : throw Fault(place, $"it has no {key}");

        long Number(string key, long max) =>
            long.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= max
                ? number
                : throw Fault(place, $"its {key} is no number from 0 to {max}");
    }

    /// <summary>The scalars of a checkpoint, checked, without loading its tensors.</summary>
    /// <exception cref="DataException">The file is missing, damaged, or no checkpoint.</exception>
    internal static IReadOnlyDictionary<string, string> ReadExtra(string path) =>
        SafetensorsFile.WithStream(path, stream => ExtraOf(Verified(stream, path).Metadata));

    private static Dictionary<string, string> ExtraOf(IReadOnlyDictionary<string, string> metadata) => metadata
        .Where(entry => entry.Key.StartsWith(ExtraPrefix, StringComparison.Ordinal))
        .ToDictionary(entry => entry.Key[ExtraPrefix.Length..], entry => entry.Value, StringComparer.Ordinal);

    private static IEnumerable<KeyValuePair<string, string>> Metadata(Checkpoint checkpoint)
    {
        yield return new(HashKey, s_zeros);
        yield return new("format", "pt");
        yield return new(VersionKey, Version);
        yield return new("step", checkpoint.Step.ToString(CultureInfo.InvariantCulture));
        yield return new("parameters", checkpoint.Parameters.Count.ToString(CultureInfo.InvariantCulture));
        yield return new("buffers", checkpoint.Buffers.Count.ToString(CultureInfo.InvariantCulture));
        yield return new("configuration", checkpoint.Configuration);
        foreach ((string key, string value) in checkpoint.Extra.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            yield return new(ExtraPrefix + key, value);
        }
    }

    private static List<NamedTensor> Tensors(Checkpoint checkpoint) =>
    [
        .. checkpoint.Parameters,
        .. checkpoint.Buffers,
        .. checkpoint.OptimizerState.Select(tensor => tensor with { Name = OptimizerPrefix + tensor.Name }),
    ];

    /// <summary>Reads the header and compares the hash it claims with the file's.</summary>
    private static SafetensorsHeader Verified(Stream stream, string place)
    {
        stream.Position = 0;
        SafetensorsHeader header = SafetensorsHeader.Read(stream, place);
        long digits = HashPosition(header, place);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        stream.Position = 0;
        AppendFromStart(hash, stream, digits, stream.Length);
        CheckHash(hash, header, place);
        return header;
    }

    /// <summary>Where in the file the digits of its own hash begin.</summary>
    private static long HashPosition(SafetensorsHeader header, string place) =>
        header.MetadataPositions.TryGetValue(HashKey, out (long Start, int Length) digits)
        && digits.Length == HashDigits
            ? digits.Start
            : throw Fault(place, "it has no hash of its own");

    private static void CheckHash(IncrementalHash hash, SafetensorsHeader header, string place)
    {
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != header.Metadata[HashKey])
        {
            throw Fault(place, "its content does not match its hash");
        }
    }

    /// <summary>
    /// Hashes a stream from where it stands, its start, to an end, with the digits that begin at
    /// <paramref name="digitsStart"/> as 0.
    /// </summary>
    private static void AppendFromStart(IncrementalHash hash, Stream stream, long digitsStart, long end)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            long position = 0;
            while (position < end)
            {
                int count = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, end - position));
                if (count == 0)
                {
                    return; // It became shorter: the hash will not match.
                }

                long from = Math.Clamp(digitsStart - position, 0, count);
                long to = Math.Clamp(digitsStart + HashDigits - position, 0, count);
                buffer.AsSpan((int)from..(int)to).Fill((byte)'0');
                hash.AppendData(buffer, 0, count);
                position += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static DataException Fault(string place, string what) => new(
        $"{place} is no valid checkpoint: {what}.",
        "Use another checkpoint of the run; weights alone can be loaded with --init.");
}
