using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Distributed.Protocol.Cluster;

/// <summary>A coordinator's key and tokens: made at its first start, the same at every later one.</summary>
/// <remarks>
/// The folder is for its owner only (mode 0700), its files too (0600). Who makes a file first has made it: processes
/// that start together find the same key. An existing folder keeps its mode; nothing is written if nothing is missing.
/// </remarks>
public sealed partial class SecretsFolder : IDisposable
{
    private const string KeyFile = "coordinator.key";
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private SecretsFolder(string path, X509Certificate2 certificate, Token? given)
    {
        Certificate = certificate;
        Hash = Certificates.Hash(certificate);
        JoinFile = Path.Combine(path, "join.token");
        ViewFile = Path.Combine(path, "view.token");
        if (given is not null)
        {
            Check(given.Hash == Hash, "The token that was given", path);
            if (!File.Exists(JoinFile) || File.ReadAllText(JoinFile).Trim() != given.ToText())
            {
                Write(JoinFile, given.ToText() + "\n", overwrite: true);
            }
        }

        Join = ReadOrMake(JoinFile, path);
        View = ReadOrMake(ViewFile, path);
    }

    /// <summary>The file with the workers' token, to be named to people.</summary>
    public string JoinFile { get; }

    /// <summary>The same of those who look.</summary>
    public string ViewFile { get; }

    /// <summary>SHA-256 of the public key: 64 hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>Around the coordinator's key, private part and all.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Lets workers in.</summary>
    public Token Join { get; }

    /// <summary>Lets people look.</summary>
    public Token View { get; }

    /// <summary>Opens the folder; makes what is missing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="given">The workers' token if it was given, for a key that is there; null for the folder's.</param>
    /// <param name="now">For the certificate.</param>
    /// <exception cref="AccessException">A file is damaged, or a token is for another key.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static SecretsFolder Open(string path, Token? given, DateTimeOffset now)
    {
        string keyPath = Path.Combine(path, KeyFile);
        Check(given is null || File.Exists(keyPath), "The token that was given", path);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, FileMode | UnixFileMode.UserExecute);
        }

        using ECDsa made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string pem = ReadOrWrite(keyPath, made.ExportPkcs8PrivateKeyPem() + "\n");
        X509Certificate2 certificate;
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportFromPem(pem);
            certificate = key.ExportParameters(includePrivateParameters: false).Curve.Oid?.Value
                == ECCurve.NamedCurves.nistP256.Oid.Value
                ? Certificates.Create(key, "distributed-coordinator", now)
                : throw new CryptographicException("the curve is not P-256");
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new AccessException(
                $"The key {keyPath} is damaged: {exception.Message}",
                "Restore it, or remove the folder for new secrets; workers then need the new token file.",
                exception);
        }

        try
        {
            return new SecretsFolder(path, certificate, given);
        }
        catch
        {
            certificate.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private static void Check(bool isOfThisKey, string what, string path)
    {
        if (!isOfThisKey)
        {
            throw new AccessException(
                $"{what} is not for the key {Path.Combine(path, KeyFile)}.",
                "Give --secrets DIR with the key that the token belongs to, or no token; or remove the token's file.")
            {
                ExitCode = ExitCodes.Usage,
            };
        }
    }

    private Token ReadOrMake(string file, string path)
    {
        Token token = Token.Parse(ReadOrWrite(file, Token.Create(Hash).ToText() + "\n"), file);
        Check(token.Hash == Hash, $"The token {file}", path);
        return token;
    }

    /// <summary>What the file holds, after it was written if it was not there.</summary>
    private static string ReadOrWrite(string path, string text)
    {
        if (!File.Exists(path))
        {
            try
            {
                Write(path, text, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process was faster.
            }
        }

        return File.ReadAllText(path);
    }

    /// <summary>Whole or not there, and never readable by others.</summary>
    private static void Write(string path, string text, bool overwrite)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        FileStreamOptions options = new() { Mode = System.IO.FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileMode;
        }

        using (FileStream stream = new(temporary, options))
        {
            stream.Write(Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        try
        {
            // Outside of Windows File.Move looks first and renames then: of two that look at once the later one wins. A
            // link fails where a file is; where none can be made, as on FAT, a move is the best there is.
            if (overwrite || OperatingSystem.IsWindows() || Link(temporary, path) != 0)
            {
                File.Move(temporary, path, overwrite);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string made);
}
