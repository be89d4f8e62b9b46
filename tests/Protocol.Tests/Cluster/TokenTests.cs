using System.Security.Cryptography;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

public sealed class TokenTests : IDisposable
{
    private static readonly string s_hash = new('a', 64);
    private static readonly string s_secret = new('5', 64);
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-tokens-").FullName;

    private string Secrets => Path.Combine(_folder, "secrets");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Text_GivesHashAndSecret_AndIsHidden()
    {
        Token token = Token.Parse($"  {s_hash.ToUpperInvariant()}::{s_secret}\n", "test");
        Assert.Equal((s_hash, s_secret), (token.Hash, token.Secret));
        Assert.Equal($"{s_hash}::{s_secret}", token.ToText());
        Assert.DoesNotContain(s_secret[..4], token.ToString(), StringComparison.Ordinal);
        Assert.True(token.Accepts(s_secret));
        Assert.False(token.Accepts(s_secret + "5"));
        Assert.False(token.Accepts(""));
        Token made = Token.Create(s_hash);
        Assert.Equal(made.Secret, Token.Parse(made.ToText(), "test").Secret);
        Assert.NotEqual(made.Secret, Token.Create(s_hash).Secret);
    }

    [Theory]
    [InlineData("")]
    [InlineData("::")]
    [InlineData("5555555555555555555555555555555555555555555555555555555555555555")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa::short")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "::5555555555555555555555555555555555555555555555555555555555555555")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "::555555555555555555555555555555555555555555555555555555555555555g")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "::5555555555555555555555555555555555555555555555555555555555555555::")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "::\u06605555555555555555555555555555555555555555555555555555555555555555")]
    public void WrongText_IsRefused_AndNotRepeated(string text)
    {
        AccessException fault = Assert.Throws<AccessException>(() => Token.Parse(text, "the test's file"));
        Assert.Contains("the test's file", fault.Message, StringComparison.Ordinal);
        Assert.False(text.Length > 2 && fault.Message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void Secrets_AreTheSameAtTheNextStart_AndForTheirOwnerOnly()
    {
        string[] first;
        using (SecretsFolder secrets = Open())
        {
            first = [secrets.Hash, secrets.Join.ToText(), secrets.View.ToText()];
            Assert.NotEqual(first[1], first[2]);
            Assert.Equal(first[1], File.ReadAllText(secrets.JoinFile).Trim());
            Assert.Equal(first[2], File.ReadAllText(secrets.ViewFile).Trim());
            using ECDsa key = ECDsa.Create();
            key.ImportFromPem(File.ReadAllText(Path.Combine(Secrets, "coordinator.key")));
            Assert.Equal(secrets.Hash, Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
            Assert.Equal((secrets.Hash, secrets.Hash), (secrets.Join.Hash, secrets.View.Hash));
        }

        Assert.Equal(["coordinator.key", "join.token", "view.token"], Names());
        using (SecretsFolder again = SecretsFolder.Open(Secrets, null, DateTimeOffset.UtcNow.AddDays(400)))
        {
            Assert.Equal(first, new[] { again.Hash, again.Join.ToText(), again.View.ToText() });
        }

        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal(Mode | UnixFileMode.UserExecute, File.GetUnixFileMode(Secrets));
            foreach (string file in Directory.EnumerateFiles(Secrets))
            {
                Assert.Equal(Mode, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public void Secrets_GivenTokenOfTheSameKey_Counts()
    {
        string hash;
        using (SecretsFolder secrets = Open())
        {
            hash = secrets.Hash;
        }

        using SecretsFolder given = Open(Token.Parse($"{hash}::{s_secret}", "test"));
        Assert.Equal(s_secret, given.Join.Secret);
        Assert.Equal($"{hash}::{s_secret}\n", File.ReadAllText(given.JoinFile));
    }

    [Fact]
    public void Secrets_TokenOfAnotherKey_IsAUsageError()
    {
        Token foreign = Token.Parse($"{s_hash}::{s_secret}", "test");
        Assert.Equal(ExitCodes.Usage, Fault(foreign).ExitCode);
        Assert.False(Directory.Exists(Secrets)); // Not a new key for a token of an old one.
        Open().Dispose();
        string[] before = [.. Directory.EnumerateFiles(Secrets).Order().Select(File.ReadAllText)];
        Assert.Equal(ExitCodes.Usage, Fault(foreign).ExitCode);
        Assert.Equal(before, Directory.EnumerateFiles(Secrets).Order().Select(File.ReadAllText));
        File.WriteAllText(Path.Combine(Secrets, "view.token"), foreign.ToText());
        Assert.Contains("view.token", Fault(null).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_KeyThatIsNone_IsNamed()
    {
        Directory.CreateDirectory(Secrets);
        string path = Path.Combine(Secrets, "coordinator.key");
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa right = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2048);
        string[] texts =
        [
            "", "damaged", other.ExportPkcs8PrivateKeyPem(), right.ExportSubjectPublicKeyInfoPem(),
            rsa.ExportPkcs8PrivateKeyPem(),
        ];
        foreach (string text in texts)
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Fault(null).Message, StringComparison.Ordinal);
            Assert.Equal(text, File.ReadAllText(path));
        }
    }

    [Fact]
    public async Task Secrets_OpenedAtOnceByMany_AreTheSame()
    {
        // Often, since who looks when is chance: making files by a move that looks first failed in such a series.
        // They wait for the disk, so each has a thread of its own: other tests need those of the pool.
        for (int round = 0; round < 20; round++)
        {
            string[] tokens = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    using SecretsFolder secrets = Open();
                    return secrets.Join.ToText();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));
            Assert.Single(tokens.Distinct());
            Assert.Equal(["coordinator.key", "join.token", "view.token"], Names());
            Directory.Delete(Secrets, recursive: true);
        }
    }

    private SecretsFolder Open(Token? given = null) => SecretsFolder.Open(Secrets, given, DateTimeOffset.UtcNow);

    private AccessException Fault(Token? given) => Assert.Throws<AccessException>(() => Open(given));

    private IEnumerable<string?> Names() => Directory.EnumerateFiles(Secrets).Select(Path.GetFileName).Order();
}
