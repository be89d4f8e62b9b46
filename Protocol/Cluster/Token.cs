using System.Security.Cryptography;
using System.Text;

namespace Distributed.Protocol.Cluster;

/// <summary>What lets its bearer in: a secret, perhaps with the hash of the key that must be shown first.</summary>
/// <remarks>
/// As text <c>HASH::SECRET</c> or <c>SECRET</c>. HASH is 64 hexadecimal digits: SHA-256 over the certificate's public
/// key (SubjectPublicKeyInfo, DER). It never appears in an argument, a URL or a log: <see cref="ToString"/> hides it.
/// </remarks>
public sealed class Token
{
    /// <summary>Where a token may be given as well a file.</summary>
    public const string EnvironmentVariable = "DISTRIBUTED_TOKEN";

    private const int SecretMin = 16;
    private const int SecretMax = 256;
    private const int HashDigits = 64;
    private const string Separator = "::";
    private const string Advice = "Give the file that the coordinator names, or HASH::SECRET in "
        + EnvironmentVariable + ".";

    private readonly byte[] _secretHash;

    private Token(string? pin, string secret)
    {
        Pin = pin;
        Secret = secret;
        _secretHash = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
    }

    /// <summary>Hash of the key whose owner may get the secret; null to trust certificates as usual.</summary>
    public string? Pin { get; }

    /// <summary>What is sent, in the header Authorization, once the other side is known.</summary>
    public string Secret { get; }

    /// <summary>A new token of 256 random bits.</summary>
    public static Token Create(string pin) =>
        new(pin, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

    /// <summary>Reads a token's text.</summary>
    /// <param name="text">Blanks around it don't matter.</param>
    /// <param name="place">Where it is from, for the fault.</param>
    /// <exception cref="AccessException">It is none.</exception>
    public static Token Parse(string text, string place)
    {
        string trimmed = text.Trim();
        int at = trimmed.IndexOf(Separator, StringComparison.Ordinal);
        string? pin = at < 0 ? null : trimmed[..at].ToLowerInvariant();
        string secret = at < 0 ? trimmed : trimmed[(at + Separator.Length)..];
        if (pin is not null && (pin.Length != HashDigits || !pin.All(char.IsAsciiHexDigit)))
        {
            throw new AccessException($"The token from {place} does not begin with a hash of 64 digits.", Advice);
        }

        return secret.Length is >= SecretMin and <= SecretMax && secret.All(IsAllowed)
            ? new Token(pin, secret)
            : throw new AccessException(
                $"The secret of the token from {place} does not have {SecretMin} to {SecretMax} letters and digits.",
                Advice);
    }

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

    /// <summary>Whether what somebody sent is the secret; takes as long whatever was sent.</summary>
    public bool Accepts(string secret) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(secret)), _secretHash);

    /// <summary>The same secret behind another pin.</summary>
    public Token WithPin(string pin) => new(pin, Secret);

    /// <summary>The whole text, for a file that only its owner may read.</summary>
    public string ToText() => Pin is null ? Secret : Pin + Separator + Secret;

    /// <summary>Hides the secret.</summary>
    public override string ToString() => Pin is null ? "***" : $"{Pin[..8]}...{Separator}***";

    private static bool IsAllowed(char character) =>
        char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '~' or '+' or '/' or '=';
}
