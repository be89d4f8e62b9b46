using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>What is set in the environment or a file, and what <c>--show-config</c> says of it.</summary>
public sealed class ShowConfigTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task AnyOption_MayBeSet_AndWhatIsTypedWins()
    {
        _runner.Settings["Train:LISTEN"] = "127.0.0.1:5500";
        _runner.Settings["Train:MinWorkers"] = "3";
        _runner.Settings["Train:Augment"] = "true";
        _runner.Settings["Train:NoShuffle"] = "false";
        _runner.Settings["Train:Batch"] = "8";

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--batch", "16"));
        TrainOptions options = _runner.Options!;
        Assert.Equal(("127.0.0.1:5500", 3), ($"{options.Listen!.Address}:{options.Listen.Port}", options.MinWorkers));
        Assert.True(options.Configuration is { Batch: 16, Shuffle: true, Data.Augment: true });
        Assert.Equal(["--batch", "16"], options.CommandLine);
    }

    [Theory]
    [InlineData("Train:Listen", "5500", "an IP address")]
    [InlineData("Train:Augment", "yes", "true or false")]
    [InlineData("Train:Lr", "-1", "above 0")]
    [InlineData("Train:Leaf", "2", "does not exist")]
    public async Task WrongSettings_AreNamed(string key, string value, string part)
    {
        _runner.Settings[key] = value;
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("train"));
        Assert.Contains(key, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains(part, _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryOption_IsShown_WithItsOrigin_AndNothingStarts()
    {
        string run = Path.Combine(_folder, "run");
        Directory.CreateDirectory(run);
        ConfigurationFile.Write(run, new RunConfiguration { Steps = 70, Batch = 24 });
        OptionsFile.Write(run, new TrainOptions { Workers = 7, Threads = 3 });
        _runner.Settings["Train:Threads"] = "2";

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "train", "--run", run, "--resume=auto", "--linger", "5s", "--show-config"));
        Assert.Null(_runner.Options);
        Assert.Matches(@"--linger +5s +command line\n", _runner.Output);
        Assert.Matches(@"--resume +auto +command line\n", _runner.Output);
        Assert.Matches(@"--threads +2 +environment, DISTRIBUTED_TRAIN__THREADS\n", _runner.Output);
        Assert.Matches(@"--batch +24 +the run, config.json\n", _runner.Output);
        Assert.Matches(@"--data +synthetic +the run, config.json\n", _runner.Output);
        Assert.Matches(@"--workers +7 +the run, options.json\n", _runner.Output);
        Assert.Matches(@"--http +nowhere +default\n", _runner.Output);
        Assert.Matches(@"--token-file +DISTRIBUTED_TOKEN, or that in --secrets +default\n", _runner.Output);
    }
}
