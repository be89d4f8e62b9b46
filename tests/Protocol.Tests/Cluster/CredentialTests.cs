using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

public sealed class CredentialTests
{
    /// <summary>All workers, of all systems and versions, derive the same key from a token.</summary>
    [Fact]
    public void WorkersKey_FollowsFromTheToken()
    {
        Token token = Token.Parse($"{new string('a', 64)}::{new string('5', 64)}", "test");
        using Credential first = Credential.OfWorker(token);
        using Credential second = Credential.OfWorker(token);
        Assert.Equal(Hash(first), Hash(second));
        Assert.Equal("fbaf138db00651cebd7db921010e31d4880a751418b734d05485cba5fae9406d", Hash(first));
        using Credential otherHash = Credential.OfWorker(Token.Parse($"{new string('b', 64)}::{token.Secret}", "test"));
        using Credential otherSecret = Credential.OfWorker(Token.Create(token.Hash));
        Assert.Equal(3, new[] { first, otherHash, otherSecret }.Select(Hash).Distinct().Count());
        Assert.True(first.Certificate.HasPrivateKey);
    }

    /// <summary>Some of the numbers begin with zeros.</summary>
    [Fact]
    public void WorkersKey_ExistsForEverySecret()
    {
        for (int i = 0; i < 600; i++)
        {
            string secret = Convert.ToHexString(SHA256.HashData(BitConverter.GetBytes(i)));
            using ECDsa key = Credential.DeriveKey(Token.Parse($"{new string('a', 64)}::{secret}", "test"));
            Assert.Equal(256, key.KeySize);
            byte[] data = [1];
            Assert.True(key.VerifyData(data, key.SignData(data, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
        }
    }

    [Fact]
    public async Task Keys_AreToldApart_AtBothEnds()
    {
        await using TestListener test = new();
        using Credential wrongSecret = Credential.OfWorker(test.WrongSecret);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 foreign = Certificates.Create(key, "distributed-coordinator", DateTimeOffset.UtcNow);
        foreach (Credential own in new[] { test.Coordinator, test.Worker })
        {
            Assert.Equal(PeerKey.Coordinator, own.Identify(test.Coordinator.Certificate));
            Assert.Equal(PeerKey.Worker, own.Identify(test.Worker.Certificate));
            Assert.Equal(PeerKey.Other, own.Identify(wrongSecret.Certificate));
            Assert.Equal(PeerKey.Other, own.Identify(foreign));
            Assert.Equal(PeerKey.None, own.Identify(null));
        }
    }

    private static string Hash(Credential credential) => Convert.ToHexStringLower(
        SHA256.HashData(credential.Certificate.PublicKey.ExportSubjectPublicKeyInfo()));
}
