using System.Net.Security;
using System.Numerics;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Protocol.Cluster;

/// <summary>Whose key the other end of a connection has shown.</summary>
public enum PeerKey
{
    /// <summary>None was shown.</summary>
    None,

    /// <summary>Nobody's that is known here.</summary>
    Other,

    /// <summary>The workers', which all have the same.</summary>
    Worker,

    /// <summary>The coordinator's.</summary>
    Coordinator,
}

/// <summary>The key that this process shows, those that it knows, and the handshake in which both are shown.</summary>
/// <remarks>
/// The handshake takes any certificate; the key is looked at right after it, before anything is read. TLS 1.3 only (1.2
/// on macOS, which has no other), no session is resumed, no certificate is looked up anywhere.
/// </remarks>
public sealed class Credential : IDisposable
{
    private readonly string _coordinatorHash;
    private readonly string _workerHash;
    private readonly bool _isOwner;
    private readonly SslServerAuthenticationOptions _server;
    private readonly SslClientAuthenticationOptions _client;

    private Credential(X509Certificate2 certificate, string coordinatorHash, string workerHash, bool isOwner)
    {
        Certificate = certificate;
        _coordinatorHash = coordinatorHash;
        _workerHash = workerHash;
        _isOwner = isOwner;
        SslStreamCertificateContext context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        X509ChainPolicy nobody = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
#pragma warning disable CA5359 // The key is looked at after the handshake.
        _server = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = Protocol,
            AllowTlsResume = false,
            CertificateChainPolicy = nobody,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        };
        _client = new SslClientAuthenticationOptions
        {
            TargetHost = "distributed",
            ClientCertificateContext = context,
            EnabledSslProtocols = Protocol,
            AllowTlsResume = false,
            CertificateChainPolicy = nobody,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        };
#pragma warning restore CA5359
    }

    /// <summary>What is shown, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    private static SslProtocols Protocol => OperatingSystem.IsMacOS() ? SslProtocols.Tls12 : SslProtocols.Tls13;

    /// <summary>A coordinator's; the folder must outlive it.</summary>
    public static Credential OfCoordinator(SecretsFolder secrets)
    {
        using ECDsa worker = DeriveKey(secrets.Join);
        return new Credential(secrets.Certificate, secrets.Hash, Certificates.Hash(worker), isOwner: false);
    }

    /// <summary>A worker's.</summary>
    public static Credential OfWorker(Token token)
    {
        using ECDsa worker = DeriveKey(token);
        X509Certificate2 own = Certificates.Create(worker, "distributed-worker", DateTimeOffset.UnixEpoch.AddYears(50));
        return new Credential(own, token.Hash, Certificates.Hash(worker), isOwner: true);
    }

    /// <summary>Whose key a certificate is around.</summary>
    public PeerKey Identify(X509Certificate? shown)
    {
        if (shown is null)
        {
            return PeerKey.None;
        }

        string hash = Certificates.Hash((X509Certificate2)shown);
        return hash == _coordinatorHash ? PeerKey.Coordinator
            : hash == _workerHash ? PeerKey.Worker
            : PeerKey.Other;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isOwner)
        {
            Certificate.Dispose();
        }
    }

    /// <summary>Blocks until the handshake of one that called is done.</summary>
    /// <exception cref="AuthenticationException">It failed, for whatever reason.</exception>
    internal (SslStream Stream, PeerKey Key) Serve(Stream stream) =>
        Shake(stream, tls => tls.AuthenticateAsServer(_server));

    /// <summary>The same with one that was called.</summary>
    internal (SslStream Stream, PeerKey Key) Call(Stream stream) =>
        Shake(stream, tls => tls.AuthenticateAsClient(_client));

    /// <summary>
    /// 48 bytes by HKDF-SHA256 of the secret, salted with the hash, modulo the order less 1, plus 1, are the private
    /// key (FIPS 186-5, A.2.1): each with nearly the same probability, and none that is not valid.
    /// </summary>
    internal static ECDsa DeriveKey(Token token)
    {
        byte[] bytes = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            Convert.FromHexString(token.Secret),
            outputLength: 48,
            salt: Convert.FromHexString(token.Hash),
            info: [.. "distributed worker"u8]);
        BigInteger order = new(
            Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"),
            isUnsigned: true,
            isBigEndian: true);
        BigInteger scalar = (new BigInteger(bytes, isUnsigned: true, isBigEndian: true) % (order - 1)) + 1;
        byte[] d = new byte[32];
        scalar.TryWriteBytes(
            d.AsSpan(d.Length - scalar.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = d });
    }

    private (SslStream Stream, PeerKey Key) Shake(Stream stream, Action<SslStream> handshake)
    {
        SslStream tls = new(stream, leaveInnerStreamOpen: false);
        try
        {
            handshake(tls);
            return tls.SslProtocol == Protocol
                ? (tls, Identify(tls.RemoteCertificate))
                : throw new AuthenticationException($"{tls.SslProtocol} instead of {Protocol}");
        }
#pragma warning disable CA1031 // Whatever a stranger's bytes do to the TLS stack ends their connection, nothing else.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            tls.Dispose();
            throw new AuthenticationException(exception.Message, exception);
        }
    }
}
