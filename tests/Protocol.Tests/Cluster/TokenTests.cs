using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Link;

namespace Distributed.Protocol.Tests.Cluster;

public sealed class TokenTests : IDisposable
{
    private const string Secret = "0123456789abcdef0123";
    private static readonly string s_pin = new('a', 64);
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-tokens-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Text_GivesPinAndSecret_AndShowsNeither()
    {
        Token pinned = Token.Parse($"  {s_pin.ToUpperInvariant()}::{Secret}\n", "test");
        Assert.Equal((s_pin, Secret), (pinned.Pin, pinned.Secret));
        Assert.Equal($"{s_pin}::{Secret}", pinned.ToText());
        Assert.DoesNotContain(Secret, pinned.ToString(), StringComparison.Ordinal);
        Assert.Null(Token.Parse(Secret, "test").Pin);
        Assert.Equal("***", Token.Parse(Secret, "test").ToString());
        Assert.True(pinned.Accepts(Secret));
        Assert.False(pinned.Accepts(Secret + "0"));
        Assert.False(pinned.Accepts(""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("abc::0123456789abcdef0123")]
    [InlineData("0123456789abcdef\r\nX-Header: 1")]
    [InlineData("0123456789 abcdef0123456789")]
    [InlineData("0123456789abcdef\u00E9\u00E9\u00E9\u00E9")]
    public void WrongText_IsRefused_AndNotRepeated(string text)
    {
        AccessException fault = Assert.Throws<AccessException>(() => Token.Parse(text, "the test's file"));
        Assert.Contains("the test's file", fault.Message, StringComparison.Ordinal);
        Assert.False(text.Length > 0 && fault.Message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void Secrets_AreTheSameAtTheNextStart_AndForTheirOwnerOnly()
    {
        string path = Path.Combine(_folder, "secrets");
        string[] first;
        using (SecretsFolder secrets = SecretsFolder.Open(path, null, DateTimeOffset.UtcNow))
        {
            first = [.. new[] { secrets.Join, secrets.View, secrets.Operate }.Select(token => token.ToText())];
            Assert.Equal(3, first.Distinct().Count());
            Assert.Equal(secrets.Join.ToText(), File.ReadAllText(secrets.JoinFile).Trim());
            using ECDsa key = secrets.Certificate.GetECDsaPublicKey()!;
            string pin = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
            Assert.All(first, text => Assert.StartsWith(pin + "::", text, StringComparison.Ordinal));
        }

        using (SecretsFolder again = SecretsFolder.Open(path, null, DateTimeOffset.UtcNow.AddDays(400)))
        {
            Assert.Equal(first, new[] { again.Join, again.View, again.Operate }.Select(token => token.ToText()));
        }

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
            foreach (string file in Directory.EnumerateFiles(path))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        using SecretsFolder given = SecretsFolder.Open(path, Token.Parse(Secret, "test"), DateTimeOffset.UtcNow);
        Assert.Equal(Secret, given.Join.Secret);
        Assert.EndsWith("::" + Secret + "\n", File.ReadAllText(given.JoinFile), StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(path, "certificate.pem"), "damaged");
        Assert.Throws<AccessException>(() => SecretsFolder.Open(path, null, DateTimeOffset.UtcNow));
    }

    [Theory]
    [InlineData("http://192.0.2.1:5500")]
    [InlineData("http://example.org")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("https://user:password@example.org")]
    [InlineData("https://example.org/path")]
    [InlineData("https://example.org/?token=x")]
    public void Address_ThatIsNoPlaceForASecret_IsRefused(string address) =>
        Assert.Throws<AccessException>(() => new LinkClient(
            new Uri(address), Token.Parse(Secret, "test"), new LinkOptions(), TimeProvider.System));
}
