using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Tests.Commands;

public sealed class SecretsTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-secrets-").FullName;

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Secrets_MakesThemOnce_AndTellsNone()
    {
        string path = Path.Combine(_folder, "new", "secrets");
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("secrets", path));
        string[] files = [.. Directory.EnumerateFiles(path).Order()];
        Assert.Equal(["coordinator.key", "join.token", "view.token"], files.Select(file => Path.GetFileName(file)));
        string[] before = [.. files.Select(File.ReadAllText)];
        Assert.Contains(files[1], _runner.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Token.Find(files[1])!.Secret, _runner.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("secrets", path));
        Assert.Equal(before, files.Select(File.ReadAllText));
    }

    [Fact]
    public async Task Secrets_NoFolder_OrAFile_IsAFault()
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync("secrets"));
        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "");
        Assert.Equal(ExitCodes.Failed, await _runner.RunAsync("secrets", file));
        Assert.Contains(file, _runner.Error, StringComparison.Ordinal);
    }
}
