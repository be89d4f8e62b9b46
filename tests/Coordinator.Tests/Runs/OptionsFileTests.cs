using System.Reflection;
using System.Text.Json.Serialization;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Framework.Training;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>A run goes on where and how it was computed last, unless the user says otherwise.</summary>
public sealed class OptionsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public OptionsFileTests()
    {
        ConfigurationFile.Write(_folder, new RunConfiguration());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>No option that is kept is forgotten: each has another value than the default, and comes back.</summary>
    [Fact]
    public async Task Resume_NothingGiven_GoesOnWithTheOptionsOfBefore()
    {
        TrainOptions before = new()
        {
            ValidateEveryEpoch = true,
            CheckpointEvery = 7,
            Workers = 3,
            Threads = 2,
            Listen = ListenAddress.Parse("*:5501"),
            Http = ListenAddress.Parse("127.0.0.1:5502"),
            Advertise = HostPort.Parse("host.example:5501"),
            Linger = TimeSpan.FromSeconds(3),
            MinWorkers = 4,
            Secrets = "/etc/trainer",
            TokenFile = "token",
        };
        OptionsFile.Write(_folder, before);

        TrainOptions options = await AskAsync("--run", _folder, "--resume");

        PropertyInfo[] kept = [.. typeof(TrainOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is null)];
        Assert.Equal(11, kept.Length);
        Assert.All(kept, property =>
        {
            Assert.NotEqual(property.GetValue(new TrainOptions()), property.GetValue(before));
            Assert.Equal(property.GetValue(before), property.GetValue(options));
        });
    }

    [Fact]
    public async Task Resume_GivenAgain_IsAsGiven()
    {
        OptionsFile.Write(_folder, new TrainOptions { Workers = 3, Threads = 2, CheckpointEvery = 7 });
        TrainOptions options = await AskAsync("--run", _folder, "--resume", "--workers", "1");
        Assert.Equal((1, 2, 7), (options.Workers, options.Threads, options.CheckpointEvery));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"workers\":\"many\"}")]
    [InlineData("{\"listen\":\"nowhere\"}")]
    [InlineData("{\"http\":\"5502\"}")]
    public async Task Resume_DamagedFile_IsNamed(string text)
    {
        string path = Path.Combine(_folder, "options.json");
        File.WriteAllText(path, text);
        using CommandRunner runner = new();
        Assert.Equal(ExitCodes.BadInput, await runner.RunAsync("--run", _folder, "--resume"));
        Assert.Contains(path, runner.ErrorLines[0], StringComparison.Ordinal);
    }

    private static async Task<TrainOptions> AskAsync(params string[] arguments)
    {
        using CommandRunner runner = new();
        int code = await runner.RunAsync(arguments);
        Assert.True(code == ExitCodes.Done, runner.Error);
        return runner.Options!;
    }
}
