using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol;

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
        Assert.Equal(7, _runner.Options!.Configuration.Steps);
        Assert.Equal(line.Split(' '), _runner.Options.CommandLine);
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("1h", 3600)]
    public async Task Time_IsReadWithItsUnit(string text, int seconds)
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("train", "--time", text));
        Assert.Equal(TimeSpan.FromSeconds(seconds), _runner.Options!.Time);
    }

    [Fact]
    public async Task EveryOption_ReachesTheSession()
    {
        string line = "train --data d.pkl --validation v.pkl --noise gaussian:12.5 --noise-fixed --crop 48 "
            + "--range -1:1.5 --limit 9 --no-shuffle --model n2n-final:channels=8 --init w.pth --conv winograd2 "
            + "--loss mse --reduction sum --optimizer sgd --lr 1e-2 --momentum 0.9 --nesterov --weight-decay 0.5 "
            + "--batch 11 --shard 3 --epochs 4 --seed 4294967295 "
            + "--run r --resume=auto --checkpoint-every 0 --workers 5 --threads 2";
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
            options.Configuration.Data);
        Assert.Equal(
            new OptimizerOptions
            {
                Name = "sgd", LearningRate = 0.01, Momentum = 0.9, Nesterov = true, WeightDecay = 0.5,
            },
            options.Configuration.Optimizer);
        Assert.Equal(
            new TrainOptions
            {
                Configuration = new RunConfiguration
                {
                    Data = options.Configuration.Data,
                    Shuffle = false,
                    Model = "n2n-final:channels=8",
                    Init = "w.pth",
                    Conv = "winograd2",
                    Reduction = "sum",
                    Optimizer = options.Configuration.Optimizer,
                    Batch = 11,
                    Shard = 3,
                    Epochs = 4,
                },
                Run = "r",
                Resume = Resumption.Auto,
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
        OptimizerOptions expected = Recipe.Of(null, null).Optimizer with
        {
            Beta1 = 0.5, Beta2 = 0.75, Epsilon = 1e-6,
        };
        Assert.Equal(expected, _runner.Options!.Configuration.Optimizer);
    }

    [Fact]
    public async Task OptimizationOptions_ReachTheSession()
    {
        string line = "--loss l0 --optimizer adamw --betas 0.8,0.9 --eps 1e-5 --eps-inside-root "
            + "--schedule rampdown:0.4 --warmup 7 --init-scheme xavier-normal --validation v.npy "
            + "--validation-noisy --validate-every-epoch";
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(line.Split(' ')));
        RunConfiguration start = Recipe.Of(null, null);
        OptimizerOptions optimizer = start.Optimizer with
        {
            Name = "adamw", Beta1 = 0.8, Beta2 = 0.9, Epsilon = 1e-5, EpsilonInsideRoot = true, WeightDecay = 0.01,
        };
        TrainOptions options = _runner.Options!;
        Assert.Equal(
            new TrainOptions
            {
                Configuration = start with
                {
                    Data = start.Data with { Validation = "v.npy" },
                    Loss = "l0",
                    Optimizer = optimizer,
                    Schedule = "rampdown:0.4",
                    Warmup = 7,
                    InitScheme = "xavier-normal",
                    NoisyValidation = true,
                },
                ValidateEveryEpoch = true,
                CommandLine = options.CommandLine,
            },
            options);

        line = "--optimizer adagrad --lr-decay 0.1 --initial-accumulator 0.2";
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(line.Split(' ')));
        optimizer = start.Optimizer with
        {
            Name = "adagrad", LearningRateDecay = 0.1, InitialAccumulator = 0.2, Epsilon = 1e-10, Beta2 = 0.999,
        };
        Assert.Equal(optimizer, _runner.Options!.Configuration.Optimizer);
    }

    /// <summary>PSNR of 27.5 and 28.5 dB: mean 28, deviation of the sample the root of a half.</summary>
    [Fact]
    public async Task Repeat_RunsEachSeed_AndGivesMeanAndDeviation()
    {
        string root = Directory.CreateTempSubdirectory("distributed-test-").FullName;
        List<(uint Seed, string? Run)> runs = [];
        _runner.Train = (options, _, _) =>
        {
            runs.Add((options.Configuration.Seed, options.Run));
            TrainResult result = CommandRunner.Result(options, run: options.Run!);
            return Task.FromResult(result with { Summary = result.Summary with { Psnr = 26.5 + runs.Count } });
        };
        try
        {
            Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
                "--repeat", "2", "--seed", "7", "--run", root, "--json"));
            Assert.Equal([(7u, Path.Combine(root, "seed-7")), (8u, Path.Combine(root, "seed-8"))], runs);
            string line = Assert.Single(_runner.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            JsonNode json = JsonNode.Parse(line)!;
            Assert.Equal(28, (double)json["psnr"]!);
            Assert.Equal(Math.Sqrt(0.5), (double)json["standardDeviation"]!["psnr"]!, 1e-12);
            Assert.Equal(1000, (int)json["steps"]!);
            Assert.Null(json["accuracy"]);
            Assert.Equal([7u, 8u], json["runs"]!.AsArray().Select(run => (uint)run!["seed"]!));
            Assert.Equal(line, File.ReadAllText(Path.Combine(root, "repeat.json")).TrimEnd());
            Assert.Contains("+- 0.7071", _runner.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
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
    [InlineData("--conv fast", "--conv fast", "auto or winograd4 or winograd2 or direct")]
    [InlineData("--loss l3", "--loss l3", "mse or l1 or l0 or hdr or cross-entropy")]
    [InlineData("--reduction none", "--reduction none", "mean or sum")]
    [InlineData("--optimizer lion", "--optimizer lion", "sgd or adam or adamw or adagrad")]
    [InlineData("--optimizer adagrad --betas 0.9,0.9", "--betas", "adam or adamw")]
    [InlineData("--optimizer sgd --eps 1e-3", "--eps", "adagrad")]
    [InlineData("--lr-decay 0.1", "--lr-decay", "adagrad")]
    [InlineData("--optimizer sgd --eps-inside-root", "--eps-inside-root", "adam")]
    [InlineData("--optimizer adagrad --lr-decay -1", "--lr-decay -1", "0 or more")]
    [InlineData("--schedule linear", "--schedule linear", "rampdown:FRACTION")]
    [InlineData("--schedule step:0:0.5", "--schedule step:0:0.5", "1 or more")]
    [InlineData("--warmup -1", "--warmup -1", "0 or more")]
    [InlineData("--init-scheme he", "--init-scheme he", "kaiming-uniform")]
    [InlineData("--init w.pth --init-scheme zero", "--init", "--init-scheme")]
    [InlineData("--repeat 0", "--repeat 0", "from 1 to 1000")]
    [InlineData("--noise poisson:0", "--noise poisson:0", "gaussian:S")]
    [InlineData("--noise gaussian:-1", "--noise gaussian:-1", "gaussian:S")]
    [InlineData("--epochs 1 --steps 1", "--epochs", "--steps")]
    [InlineData("--time 10m --steps 1", "--time", "--steps")]
    [InlineData("--time 10m --epochs 1", "--time", "--epochs")]
    [InlineData("--time 10m --repeat 2", "--time", "--repeat")]
    [InlineData("--time 0", "--time 0", "90s")]
    [InlineData("--time 10", "--time 10", "30s, 10m or 2h")]
    [InlineData("--resume", "--resume", "--run DIR")]
    [InlineData("--run r --resume=maybe", "--resume maybe", "auto")]
    [InlineData("--leaf 2", "--leaf", "--shard")]
    [InlineData("--momentum 0.9", "--momentum", "sgd")]
    [InlineData("--optimizer sgd --betas 0.9,0.9", "--betas", "adam")]
    [InlineData("--optimizer sgd --nesterov", "--nesterov", "--momentum")]
    [InlineData("--batch 1 --batch 2", "--batch", "single")]
    [InlineData("--batch", "--batch", "missing")]
    [InlineData("--json=1", "'1'", "Unrecognized")]
    [InlineData("--wire fp16", "--wire", "Unknown option")]
    [InlineData("--augmented", "--augmented", "Unknown option")]
    [InlineData("--listen 5500", "--listen 5500", "an IP address")]
    [InlineData("--http metrics.example.org:80", "--http metrics.example.org:80", "an IP address")]
    [InlineData("--min-workers 0", "--min-workers 0", "from 1 to 1024")]
    [InlineData("train extra", "'extra'", "Unrecognized")]
    [InlineData("wander", "'wander'", "Unrecognized")]
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
        _runner.Settings["Train:Secrets"] = "/etc/trainer";
        _runner.Settings["Train:RunsRoot"] = "elsewhere";

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--workers", "4"));
        TrainOptions options = _runner.Options!;
        Assert.Equal(
            (4, 2, 17, "elsewhere"), (options.Workers, options.Threads, options.CheckpointEvery, options.RunsRoot));
        Assert.Equal("/etc/trainer", options.Secrets);
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
