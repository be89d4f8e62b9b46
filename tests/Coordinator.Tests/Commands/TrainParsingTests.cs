using Distributed.Coordinator.Commands;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;
using Distributed.Protocol.Hosting;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>What train's options mean, and which are refused.</summary>
public sealed class TrainParsingTests : IDisposable
{
    private readonly CommandRunner _runner = new();

    public void Dispose() => _runner.Dispose();

    [Fact]
    public async Task NoArguments_Mean_TrainWithAllDefaults()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync());
        Assert.Equal(new TrainOptions() with { CommandLine = _runner.Options!.CommandLine }, _runner.Options);
    }

    [Theory]
    [InlineData("--steps 7 --json")]
    [InlineData("train --steps 7 --json")]
    [InlineData("train --steps=7 --json")]
    public async Task OptionsWithoutCommand_Mean_Train(string line)
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(line.Split(' ')));
        Assert.Equal(7, _runner.Options!.Steps);
        Assert.Equal(line.Split(' '), _runner.Options.CommandLine);
    }

    [Fact]
    public async Task EveryOption_ReachesTheSession()
    {
        string line = "train --data d.pkl --validation v.pkl --noise gaussian:12.5 --noise-fixed --crop 48 "
            + "--range -1:1.5 --limit 9 --no-shuffle --model n2n-final:channels=8 --init w.pth --conv winograd2 "
            + "--loss mse --reduction sum --optimizer sgd --lr 1e-2 --momentum 0.9 --nesterov --weight-decay 0.5 "
            + "--batch 11 --leaf 3 --epochs 4 --seed 4294967295 "
            + "--run r --resume --checkpoint-every 0 --workers 5 --threads 2";
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(line.Split(' ')));

        TrainOptions options = _runner.Options!;
        Assert.Equal(
            new DataOptions
            {
                Source = "d.pkl",
                Validation = "v.pkl",
                Noise = "gaussian:12.5",
                NoiseFixed = true,
                Crop = 48,
                RangeLow = -1,
                RangeHigh = 1.5,
                Limit = 9,
                Seed = uint.MaxValue,
            },
            options.Data);
        Assert.Equal(
            new OptimizerOptions
            {
                Name = "sgd", LearningRate = 0.01, Momentum = 0.9, Nesterov = true, WeightDecay = 0.5,
            },
            options.Optimizer);
        Assert.Equal(
            new TrainOptions
            {
                Data = options.Data,
                Shuffle = false,
                Model = "n2n-final:channels=8",
                Init = "w.pth",
                Conv = "winograd2",
                Reduction = "sum",
                Optimizer = options.Optimizer,
                Batch = 11,
                Leaf = 3,
                Epochs = 4,
                Run = "r",
                Resume = true,
                CheckpointEvery = 0,
                Workers = 5,
                Threads = 2,
                CommandLine = options.CommandLine,
            },
            options);
    }

    [Fact]
    public async Task AdamsOptions_ReachTheSession()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--betas", "0.5,0.75", "--eps", "1e-6"));
        OptimizerOptions expected = new() { Beta1 = 0.5, Beta2 = 0.75, Epsilon = 1e-6 };
        Assert.Equal(expected, _runner.Options!.Optimizer);
    }

    [Theory]
    [InlineData("--steps 0", "--steps 0", "of 1 or more")]
    [InlineData("--steps 1.5", "--steps 1.5", "whole number")]
    [InlineData("--steps 99999999999", "--steps 99999999999", "whole number")]
    [InlineData("--batch 1048577", "--batch 1048577", "from 1 to 1048576")]
    [InlineData("--workers -1", "--workers -1", "from 0 to 1024")]
    [InlineData("--threads +2", "--threads +2", "from 1 to 1024")]
    [InlineData("--seed -1", "--seed -1", "from 0 to 4294967295")]
    [InlineData("--crop 0", "--crop 0", "from 1 to 65536")]
    [InlineData("--limit 0", "--limit 0", "of 1 or more")]
    [InlineData("--lr 0", "--lr 0", "above 0")]
    [InlineData("--lr 1,5", "--lr 1,5", "above 0")]
    [InlineData("--lr nan", "--lr nan", "above 0")]
    [InlineData("--lr Infinity", "--lr Infinity", "above 0")]
    [InlineData("--optimizer sgd --momentum 1", "--momentum 1", "from 0 to below 1")]
    [InlineData("--betas 0.9", "--betas 0.9", "0.9,0.999")]
    [InlineData("--betas 0.9,1", "--betas 0.9,1", "below 1")]
    [InlineData("--range 1:1", "--range 1:1", "lower one first")]
    [InlineData("--range 5", "--range 5", "0:4095")]
    [InlineData("--loss l1", "--loss l1", "mse")]
    [InlineData("--conv fast", "--conv fast", "auto or winograd4 or winograd2 or direct")]
    [InlineData("--reduction none", "--reduction none", "mean or sum")]
    [InlineData("--optimizer adamw", "--optimizer adamw", "sgd or adam")]
    [InlineData("--noise poisson:3", "--noise poisson:3", "gaussian:S")]
    [InlineData("--noise gaussian:-1", "--noise gaussian:-1", "gaussian:S")]
    [InlineData("--epochs 1 --steps 1", "--epochs", "--steps")]
    [InlineData("--resume", "--resume", "--run DIR")]
    [InlineData("--momentum 0.9", "--momentum", "sgd")]
    [InlineData("--optimizer sgd --betas 0.9,0.9", "--betas", "adam")]
    [InlineData("--optimizer sgd --nesterov", "--nesterov", "--momentum")]
    [InlineData("--batch 1 --batch 2", "--batch", "single")]
    [InlineData("--batch", "--batch", "missing")]
    [InlineData("--json=1", "'1'", "Unrecognized")]
    [InlineData("--wire fp16", "'--wire'", "Unrecognized")]
    [InlineData("--augment", "'--augment'", "Unrecognized")]
    [InlineData("--listen 5500", "--listen 5500", "an IP address")]
    [InlineData("--min-workers 0", "--min-workers 0", "from 1 to 1024")]
    [InlineData("train extra", "'extra'", "Unrecognized")]
    [InlineData("sweep", "'sweep'", "Unrecognized")]
    [InlineData("@file", "'@file'", "Unrecognized")]
    public async Task WrongArguments_AreUsageFaults_AndNothingStarts(string line, string named, string allowed)
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(line.Split(' ')));

        Assert.Null(_runner.Options);
        Assert.Equal("", _runner.Output);
        Assert.Equal(2, _runner.ErrorLines.Length);
        Assert.Contains(named, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains(allowed, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("--help", _runner.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_SpeakWhereTheCommandLineIsSilent()
    {
        _runner.Settings["Train:Workers"] = "3";
        _runner.Settings["Train:Threads"] = "2";
        _runner.Settings["train:checkpointevery"] = "17";
        _runner.Settings["Train:RunsRoot"] = "elsewhere";

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--workers", "4"));
        TrainOptions options = _runner.Options!;
        Assert.Equal(
            (4, 2, 17, "elsewhere"), (options.Workers, options.Threads, options.CheckpointEvery, options.RunsRoot));
    }

    [Theory]
    [InlineData("Train:Workers", "many", "0 to 1024")]
    [InlineData("Train:Wrokers", "2", "does not exist")]
    public async Task WrongSettings_AreBadConfiguration(string key, string value, string part)
    {
        _runner.Settings[key] = value;

        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync());
        Assert.Contains(key, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains(part, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Null(_runner.Options);
    }

    [Fact]
    public async Task Json_IsTheOnlyLineOfStandardOutput()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--json"));
        string line = Assert.Single(_runner.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("{\"steps\":1000,", line, StringComparison.Ordinal);
        Assert.Contains("+7.25 dB over the noisy input", _runner.Error, StringComparison.Ordinal);
        Assert.Contains("denoise --run runs/x", _runner.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StoppedRun_SaysHowToGoOn()
    {
        _runner.Train = (options, _, _) => Task.FromResult(CommandRunner.Result(options, isStopped: true));
        await _runner.RunAsync("train", "--steps", "5", "--run", "old name", "--data", "my pairs.pkl");

        Assert.Contains(
            "train --steps 5 --data \"my pairs.pkl\" --run runs/x --resume", _runner.Output, StringComparison.Ordinal);
    }
}
