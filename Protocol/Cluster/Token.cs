using System.Security.Cryptography;
using System.Text;

namespace Distributed.Protocol.Cluster;

/// <summary>What lets its bearer in: a secret, and the hash of the key that the coordinator must show.</summary>
/// <remarks>
/// As text <c>HASH::SECRET</c>, 64 hexadecimal digits each: SHA-256 of the coordinator's public key
/// (SubjectPublicKeyInfo, DER), and 32 random bytes. It never appears in an argument, a URL or a log:
/// <see cref="ToString"/> hides it.
/// </remarks>
public sealed class Token
{
    /// <summary>Where a token may be given as well as in a file.</summary>
    public const string EnvironmentVariable = "DISTRIBUTED_TOKEN";

    private const int Bytes = 32;
    private const string Separator = "::";
    private const string Advice = "Give the file that the coordinator names, or HASH::SECRET in "
        + EnvironmentVariable + ".";

    private Token(string hash, string secret)
    {
        Hash = hash;
        Secret = secret;
    }

    /// <summary>Of the coordinator's key: 64 digits, lower case.</summary>
    public string Hash { get; }

    /// <summary>64 digits, lower case.</summary>
    public string Secret { get; }

    /// <summary>One with a new secret.</summary>
    public static Token Create(string hash) =>
        new(hash, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes)));

    /// <summary>Reads a token's text.</summary>
    /// <param name="text">Blanks around it don't matter.</param>
    /// <param name="place">Where it is from, for the fault.</param>
    /// <exception cref="AccessException">It is none.</exception>
    public static Token Parse(string text, string place)
    {
        string[] parts = text.Trim().ToLowerInvariant().Split(Separator);
        return parts is [var hash, var secret] && IsHex(hash) && IsHex(secret)
            ? new Token(hash, secret)
            : throw new AccessException(
                $"The token from {place} is not HASH::SECRET of {2 * Bytes} hexadecimal digits each.", Advice);
    }

    /// <summary>As <see cref="Find"/>, where there has to be one.</summary>
    /// <param name="file">File; null for the environment.</param>
    /// <exception cref="AccessException">There is none, or it is not one.</exception>
    public static Token Require(string? file) => Find(file) ?? throw new AccessException(
        "There is no token.",
        $"Give --token-file FILE, or the token in the environment variable {EnvironmentVariable}.");

    /// <summary>Reads the token from a file, or else from the environment; null if neither is given.</summary>
    /// <param name="file">Path of the file; null for none.</param>
    /// <exception cref="AccessException">The file cannot be read, or holds no token.</exception>
    public static Token? Find(string? file)
    {
        if (file is null)
        {
            string? text = Environment.GetEnvironmentVariable(EnvironmentVariable);
            return string.IsNullOrWhiteSpace(text) ? null : Parse(text, EnvironmentVariable);
        }

        try
        {
            return Parse(File.ReadAllText(file), file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AccessException(
                $"The token file {file} cannot be read: {exception.Message}", Advice, exception);
        }
    }

    /// <summary>Whether what somebody sent is the secret; the time does not tell how much of it was right.</summary>
    public bool Accepts(string secret) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(Secret));

    /// <summary>The whole text, for a file that only its owner may read.</summary>
    public string ToText() => Hash + Separator + Secret;

    /// <summary>Hides the secret.</summary>
    public override string ToString() => $"{Hash[..8]}...{Separator}***";

    private static bool IsHex(string text) => text.Length == 2 * Bytes && text.All(char.IsAsciiHexDigit);
}
