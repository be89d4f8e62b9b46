using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Protocol.Cluster;

/// <summary>Certificates are made in memory around a key; only the key counts.</summary>
internal static class Certificates
{
    private const int YearsValid = 20;

    /// <summary>SHA-256 over the public key (SubjectPublicKeyInfo, DER): 64 hexadecimal digits.</summary>
    public static string Hash(X509Certificate2 certificate) => Hash(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>The same of a key.</summary>
    public static string Hash(ECDsa key) => Hash(key.ExportSubjectPublicKeyInfo());

    /// <summary>Signed by its own key; with the private key.</summary>
    /// <param name="key">ECDSA on P-256.</param>
    /// <param name="name">Whose it is.</param>
    /// <param name="now">Begin of its validity, less a day for clocks that differ.</param>
    public static X509Certificate2 Create(ECDsa key, string name, DateTimeOffset now)
    {
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddDnsName(Environment.MachineName);
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(YearsValid));
        if (OperatingSystem.IsLinux())
        {
            return made;
        }

        // Elsewhere TLS can only use a key that has been stored.
        using (made)
        {
            return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static string Hash(byte[] publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey));
}
