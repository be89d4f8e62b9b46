namespace Distributed.Deploy.Tests.Harness;

/// <summary>
/// A fresh clone, and the programs that the tutorial's first lines publish there: once for all tests that need them.
/// </summary>
public sealed class PublishedPrograms : IAsyncLifetime, IDisposable
{
    private readonly TestFolder _folder = new();

    /// <summary>The clone.</summary>
    public string Clone => _folder["clone"];

    /// <summary>Where the programs are.</summary>
    public string Programs => Path.Combine(Clone, "artifacts", "programs");

    public async Task InitializeAsync()
    {
        await Repository.CloneAsync(Clone);

        // The solution's own build has analyzed the same code.
        Dictionary<string, string> environment = new()
        {
            ["RunAnalyzers"] = "false",
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
        };
        string lines = string.Join('\n', Tutorial.Blocks[0].Text.Split('\n')
            .Where(line => line.StartsWith("dotnet publish", StringComparison.Ordinal)));
        ProgramResult result = await Shell.BashAsync(Clone, $"set -e\n{lines}", environment);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();
}

/// <summary>Tests that share what was published; one after the other, since each wants the cores.</summary>
[CollectionDefinition(Name)]
public sealed class PublishedGroup : ICollectionFixture<PublishedPrograms>
{
    public const string Name = "published";
}
