using System.Security.Cryptography;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Packed;

/// <summary>
/// What it takes to use parts of packed data without the others: where each part lies, and the hash of each block.
/// </summary>
/// <remarks>
/// <code>
/// the lines of the packed data, each ended by \n, without the values between them
/// \n
/// SHA-256 of each block of BlockBytes, 32 bytes; the last block may be shorter
/// </code>
/// A run's plan names the SHA-256 of these bytes, so neither they nor a block can be wrong unnoticed.
/// </remarks>
public sealed class PackedIndex
{
    /// <summary>
    /// Bytes of a block: small, since a window takes little of what lies around it, and large enough for a link.
    /// </summary>
    public const int BlockBytes = 1 << 18;

    /// <summary>Most bytes of an index that are taken in; enough for 512 GB in 2 million pictures.</summary>
    public const int BytesMax = 128 << 20;

    private readonly byte[] _bytes;
    private readonly int _hashesAt;

    private PackedIndex(byte[] bytes, string hash)
    {
        (_bytes, Hash) = (bytes, hash);
        int end = bytes is [(byte)'\n', ..] ? 0 : bytes.AsSpan().IndexOf("\n\n"u8) + 1;
        _hashesAt = end + 1;
        (Layout, Parts, Length) = PackedFile.ReadLines(bytes.AsSpan(0, end));
        if (bytes.Length - _hashesAt != SHA256.HashSizeInBytes * ((Length - 1 + BlockBytes) / BlockBytes))
        {
            throw PackedFile.Damaged("the index has not a hash for each block");
        }
    }

    /// <summary>As it travels.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>SHA-256 of the bytes: 64 hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>Bytes of the packed data.</summary>
    public long Length { get; }

    /// <summary>Blocks of the packed data.</summary>
    public int BlockCount => (_bytes.Length - _hashesAt) / SHA256.HashSizeInBytes;

    /// <summary>What the parts are to each other.</summary>
    internal string Layout { get; }

    /// <summary>Where they are.</summary>
    internal IReadOnlyList<PackedPart> Parts { get; }

    /// <summary>Reads one.</summary>
    /// <param name="bytes">Kept.</param>
    /// <param name="hash">What their SHA-256 has to be.</param>
    /// <exception cref="DataException">They have another hash, or are no index.</exception>
    public static PackedIndex Parse(byte[] bytes, string hash) =>
        Convert.ToHexStringLower(SHA256.HashData(bytes)) == hash
            ? new PackedIndex(bytes, hash)
            : throw PackedFile.Damaged("the hash of the index is wrong");

    /// <summary>Bytes of a block.</summary>
    public int SizeOf(int block) => (int)Math.Min(BlockBytes, Length - ((long)block * BlockBytes));

    /// <summary>Whether bytes are those of a block.</summary>
    public bool IsBlock(int block, ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return hash.SequenceEqual(_bytes.AsSpan(_hashesAt + (block * hash.Length), hash.Length));
    }

    /// <summary>Makes one.</summary>
    /// <param name="lines">Of the packed data, with their ends.</param>
    /// <param name="hashes">Of all blocks.</param>
    internal static PackedIndex Of(IEnumerable<byte[]> lines, byte[] hashes)
    {
        byte[] bytes = [.. lines.SelectMany(line => line), (byte)'\n', .. hashes];
        return new PackedIndex(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }
}
