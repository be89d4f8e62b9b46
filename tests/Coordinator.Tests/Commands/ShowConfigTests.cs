using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;
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

    /// <summary>
    /// Goal: of a run that goes on, no option that decides the result is shown as a default. Method: a run of before,
    /// with settings that its file leaves out or has under other names, and every option that a new run may give.
    /// </summary>
    [Fact]
    public async Task RunThatGoesOn_IsShownAsItsFileHasIt()
    {
        string run = Path.Combine(_folder, "run");
        Directory.CreateDirectory(run);
        ConfigurationFile.Write(run, new RunConfiguration
        {
            Steps = 70,
            Shuffle = false,
            Data = new DataOptions { CleanTargets = true, RangeLow = 0.5, RangeHigh = 4095, Augment = true },
            Optimizer = new OptimizerOptions { Name = "adamw", Beta1 = 0.8, WeightDecay = 0 },
        });

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("train", "--run", run, "--resume", "--show-config"));
        Assert.All(
            new Dictionary<string, string>
            {
                ["--targets"] = "clean",
                ["--range"] = "0.5:4095",
                ["--betas"] = "0.8,0.999",
                ["--weight-decay"] = "0",
                ["--no-shuffle"] = "true",
                ["--no-augment"] = "false",
                ["--windows"] = "one",
                ["--holdout"] = "0",
                ["--warmup"] = "0",
                ["--ema"] = "0",
                ["--clip-norm"] = "0",
                ["--schedule"] = "constant",
                ["--epochs"] = "-",
                ["--init"] = "PyTorch's random defaults",
            },
            shown => Assert.Matches($@"{shown.Key} +{shown.Value} +the run, config.json\n", _runner.Output));
        string[] ofResult = [.. new TrainArguments().OfResult.Select(option => option.Name)];
        string[] asDefault = [.. _runner.Output.Split('\n')
            .Where(line => line.EndsWith(" default", StringComparison.Ordinal)).Select(line => line.Split(' ')[0])];
        Assert.Contains("--batch", ofResult);
        Assert.Empty(asDefault.Intersect(ofResult));
    }

    /// <summary>What another option of this line has changed is the run's no more.</summary>
    [Fact]
    public async Task OptimizerOfTheLine_BringsItsDefaults()
    {
        string run = Path.Combine(_folder, "run");
        Directory.CreateDirectory(run);
        ConfigurationFile.Write(
            run, new RunConfiguration { Optimizer = new OptimizerOptions { Beta2 = 0.9, ClipNorm = 3 } });
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "train", "--run", run, "--resume", "--optimizer", "adamw", "--show-config"));
        Assert.Matches(@"--betas +0.9,0.999 +default\n", _runner.Output);
        Assert.Matches(@"--clip-norm +3 +the run, config.json\n", _runner.Output);
    }
}
