using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Protocol.Cluster;

/// <summary>A coordinator's tokens and certificate: made at its first start, the same at every later one.</summary>
/// <remarks>The folder is for its owner only (mode 0700), its files too (0600).</remarks>
public sealed class SecretsFolder : IDisposable
{
    private const string CertificateName = "certificate.pem";
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private SecretsFolder(string path, X509Certificate2 certificate, Token join, Token view, Token operate)
    {
        JoinFile = FileOf(path, nameof(Join));
        Certificate = certificate;
        Join = join;
        View = view;
        Operate = operate;
    }

    /// <summary>The file with the workers' token, to be named to people.</summary>
    public string JoinFile { get; }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Lets workers in.</summary>
    public Token Join { get; }

    /// <summary>Lets people look.</summary>
    public Token View { get; }

    /// <summary>Lets people act.</summary>
    public Token Operate { get; }

    /// <summary>Opens the folder; makes what is missing.</summary>
    /// <param name="path">The folder; its parent exists.</param>
    /// <param name="join">The workers' token if it was given; null to make one.</param>
    /// <param name="now">For a new certificate.</param>
    /// <exception cref="AccessException">A file is damaged.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static SecretsFolder Open(string path, Token? join, DateTimeOffset now)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, FileMode | UnixFileMode.UserExecute);
        }

        string certificatePath = Path.Combine(path, CertificateName);
        if (!File.Exists(certificatePath))
        {
            Write(certificatePath, Certificates.CreatePem(now));
        }

        X509Certificate2 certificate = ReadCertificate(certificatePath);
        string pin = Certificates.Pin(certificate);
        if (join is not null)
        {
            join = join.WithPin(pin);
            Write(FileOf(path, nameof(Join)), join.ToText() + "\n");
        }

        return new SecretsFolder(
            path,
            certificate,
            join ?? ReadOrMake(FileOf(path, nameof(Join)), pin),
            ReadOrMake(FileOf(path, nameof(View)), pin),
            ReadOrMake(FileOf(path, nameof(Operate)), pin));
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private static string FileOf(string path, string name) => Path.Combine(path, $"{name.ToLowerInvariant()}.token");

    private static Token ReadOrMake(string path, string pin)
    {
        if (!File.Exists(path))
        {
            Write(path, Token.Create(pin).ToText() + "\n");
        }

        return Token.Find(path)!.WithPin(pin);
    }

    private static X509Certificate2 ReadCertificate(string path)
    {
        try
        {
            // Over PKCS #12, so that TLS can use the key on every system.
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(path, path);
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
        catch (CryptographicException exception)
        {
            throw new AccessException(
                $"The certificate {path} is damaged: {exception.Message}",
                "Restore it, or remove it for a new one; workers then need the new token file.",
                exception);
        }
    }

    /// <summary>Whole or not there, and never readable by others.</summary>
    private static void Write(string path, string text)
    {
        string temporary = path + ".tmp";
        File.Delete(temporary);
        FileStreamOptions options = new() { Mode = System.IO.FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileMode;
        }

        using (FileStream stream = new(temporary, options))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
