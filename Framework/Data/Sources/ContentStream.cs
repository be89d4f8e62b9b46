using System.Security.Cryptography;
using Distributed.Framework.Checkpoints;

namespace Distributed.Framework.Data.Sources;

/// <summary>Hashes content that is written to a stream.</summary>
internal static class ContentStream
{
    /// <summary>SHA-256 over all that is written: 64 hexadecimal digits.</summary>
    /// <param name="write">Writes the content.</param>
    /// <param name="also">Gets the same bytes; null for nobody.</param>
    public static string Hash(Action<Stream> write, Stream? also = null)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using HashingStream stream = new(also ?? Stream.Null, hash);
        write(stream);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
