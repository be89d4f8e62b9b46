using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>The rules of a sweep; training itself is replaced by something that leaves a record.</summary>
public sealed class SweepCommandTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-sweep-").FullName;
    private readonly ConcurrentBag<TrainOptions> _trained = [];

    public SweepCommandTests()
    {
        _runner.Train = (options, _, _) => Task.FromResult(Train(options));
    }

    private string Run => Path.Combine(_folder, "sweep");

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Sweep_TrainsEveryTrialOnce_AndSortsTheTable()
    {
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        Assert.Equal(6, _trained.Count);
        Assert.All(_trained, options => Assert.Equal(
            (1, 1, 8), (options.Workers, options.Threads, options.Configuration.Batch)));
        Assert.All(_trained, options => Assert.Null(options.Listen));
        JsonNode rows = Table()["rows"]!;
        Assert.Equal(["0.1", "0.01", "0.001"], rows.AsArray().Select(row => (string)row!["lr"]!));
        Assert.Equal(20.5, (double)rows[0]!["psnr"]!, precision: 9);
        Assert.Equal(Math.Sqrt(0.5), (double)rows[0]!["deviation"]!, precision: 9);
        Assert.Equal((20.25, 0.25), ((double)rows[0]!["input"]!, (double)rows[0]!["gain"]!));
        Assert.Equal(["", "below its input", "below its input"], rows.AsArray().Select(row => (string)row!["remark"]!));
        Assert.True(File.Exists(Path.Combine(Run, "metric.svg")));
        Assert.Contains("| lr ", _runner.Output, StringComparison.Ordinal);
    }

    /// <summary>Without validation the losses decide, and those of mse and l1 are numbers of different kinds.</summary>
    [Fact]
    public async Task Sweep_LossesOfDifferentKinds_AreNotRankedTogether()
    {
        _runner.Train = (options, _, _) =>
        {
            Directory.CreateDirectory(options.Run!);
            TrainResult result = CommandRunner.Result(options, run: options.Run!);
            RunConfiguration asked = options.Configuration;
            double loss = asked.Optimizer.LearningRate * (asked.Loss == "l1" ? 10 : 1);
            return Task.FromResult(result with { Summary = result.Summary with { Psnr = null, Loss = loss } });
        };
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "sweep", "--run", Run, "--grid", "lr=0.03,0.02,0.01", "--grid", "loss=l1,mse", "--steps", "2"));
        JsonArray rows = Table()["rows"]!.AsArray();
        Assert.Equal(
            ["l1 0.01", "l1 0.02", "l1 0.03", "mse 0.01", "mse 0.02", "mse 0.03"],
            rows.Select(row => $"{row!["loss"]} {row["lr"]}"));
        Assert.Contains("different kinds", _runner.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sweep_RecordsBothHashes()
    {
        string average = new('e', 64);
        _runner.Train = (options, _, _) =>
        {
            TrainResult result = Train(options);
            return Task.FromResult(result with { Summary = result.Summary with { EmaSha256 = average } });
        };
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("sweep", "--grid", "ema=0.9", "--run", Run));
        string path = Assert.Single(Directory.GetFiles(Run, "trial.json", SearchOption.AllDirectories));
        JsonNode record = JsonNode.Parse(File.ReadAllText(path))!;
        Assert.Equal((new string('a', 64), average), ((string)record["weightsSha256"]!, (string)record["emaSha256"]!));
    }

    [Fact]
    public async Task Sweep_Again_RunsNothingTwice_AndGivesTheSameTable()
    {
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        string table = Table().ToJsonString();
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("sweep", "--run", Run, "--resume"));
        Assert.Equal(6, _trained.Count);
        Assert.Equal(table, Table().ToJsonString());
    }

    /// <summary>Until 2026-11 a trial was a cell, its arguments words, and a shard a leaf.</summary>
    [Fact]
    public async Task Sweep_FolderOfBefore_IsGoneOnWith()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "sweep", "--grid", "lr=0.1,0.01", "--shard", "2", "--run", Run));
        Directory.Move(Path.Combine(Run, "trials"), Path.Combine(Run, "cells"));
        foreach (string path in Directory.GetFiles(Run, "trial.json", SearchOption.AllDirectories))
        {
            WriteAsBefore(path, Path.Combine(Path.GetDirectoryName(path)!, "cell.json"));
        }

        WriteAsBefore(Path.Combine(Run, "sweep.json"), Path.Combine(Run, "sweep.json"));
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("sweep", "--run", Run, "--resume"));

        Assert.Equal(2, _trained.Count);
        Assert.Equal(2, Table()["rows"]!.AsArray().Count);
        Assert.False(Directory.Exists(Path.Combine(Run, "cells")));
    }

    [Fact]
    public async Task Sweep_OneTrialFails_TheOthersGoOn_AndItIsTriedAgain()
    {
        bool isBroken = true;
        _runner.Train = (options, _, _) => isBroken && options.Configuration.Optimizer.LearningRate == 0.01
            ? throw new DataException("The file is gone.", "Find it.")
            : Task.FromResult(Train(options));
        Assert.Equal(ExitCodes.Failed, await SweepAsync());
        Assert.Equal(4, _trained.Count);
        Assert.Contains("lr=0.01 seed=0: failed: The file is gone. Find it.", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("sweep --run", _runner.Output, StringComparison.Ordinal);
        isBroken = false;
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        Assert.Equal(6, _trained.Count);
    }

    [Fact]
    public async Task Sweep_OneTrialDiverges_IsNoFailure_AndNotRunAgain()
    {
        _runner.Train = (options, _, _) =>
        {
            TrainResult result = Train(options);
            return options.Configuration.Optimizer.LearningRate == 0.1
                ? throw new TrainingException("The loss is NaN.", "Lower --lr.")
                : Task.FromResult(result);
        };
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        Assert.Equal("2 diverged", (string)Table()["rows"]![2]!["state"]!);
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        Assert.Equal(6, _trained.Count);
    }

    [Fact]
    public async Task Sweep_Interrupted_EndsWithTheSignalsCode_AndGoesOn()
    {
        _runner.Train = (options, _, _) =>
        {
            if (_trained.Count == 2)
            {
                _runner.Signals.Receive(PosixSignal.SIGINT);
                return Task.FromResult(CommandRunner.Result(options, isStopped: true));
            }

            return Task.FromResult(Train(options));
        };
        Assert.Equal(ExitCodes.Interrupted, await SweepAsync());
        Assert.Equal(2, _trained.Count);
        Assert.Contains("--resume", _runner.Output, StringComparison.Ordinal);

        using CommandRunner next = new() { Train = (options, _, _) => Task.FromResult(Train(options)) };
        Assert.Equal(ExitCodes.Done, await next.RunAsync("sweep", "--run", Run, "--resume"));
        Assert.Equal(6, _trained.Count);
    }

    [Fact]
    public async Task Sweep_OverTheLoss_HasAColumnForTheOptionAndOneForTheNumber()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("sweep", "--grid", "loss=mse,l1", "--run", Run));
        JsonNode row = Table()["rows"]![0]!;
        Assert.Contains((string)row["loss"]!, (string[])["mse", "l1"]);
        Assert.Equal(0.01, (double)row["trainingLoss"]!, precision: 9);
    }

    [Fact]
    public async Task Sweep_AnotherGridInTheFolder_IsRefused()
    {
        Assert.Equal(ExitCodes.Done, await SweepAsync());
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("sweep", "--grid", "lr=1,2", "--run", Run));
        Assert.Contains("another grid", _runner.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExitCodes.BadInput, "--grid", "lr=0,1")]
    [InlineData(ExitCodes.BadInput, "--grid", "lr=1,2", "--no-such-option")]
    [InlineData(ExitCodes.BadInput, "--grid", "lr=1,2", "--optimizer", "sgd", "--betas", "0.9,0.99")]
    [InlineData(ExitCodes.BadInput)]
    [InlineData(ExitCodes.BadInput, "--resume")]
    [InlineData(ExitCodes.Usage, "--resume", "--lr", "5")]
    [InlineData(ExitCodes.Usage, "--resume", "--repeat", "2")]
    [InlineData(ExitCodes.Usage, "--frob", "3")]
    [InlineData(ExitCodes.BadInput, "--grid", "seed=1,2")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--repeat", "0")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--parallel", "0")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--min-workers", "2")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--secrets", "s")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--parallel", "2", "--listen", "127.0.0.1:0")]
    [InlineData(ExitCodes.Usage, "--grid", "lr=1,2", "--http", "127.0.0.1:0")]
    public async Task Sweep_Bad_IsRefusedBeforeAnythingRuns(int code, params string[] arguments)
    {
        Assert.Equal(code, await _runner.RunAsync(["sweep", .. arguments]));
        Assert.Empty(_trained);
        Assert.Equal(2, _runner.ErrorLines.Length);
    }

    private static void WriteAsBefore(string path, string target)
    {
        string text = File.ReadAllText(path);
        (string Now, string Before)[] names =
        [
            ("\"trial\"", "\"cell\""), ("\"arguments\"", "\"words\""), ("\"configuration\"", "\"group\""),
            ("--shard", "--leaf"),
        ];
        File.Delete(path);
        File.WriteAllText(target, names.Aggregate(
            text, (json, name) => json.Replace(name.Now, name.Before, StringComparison.Ordinal)));
    }

    private Task<int> SweepAsync() => _runner.RunAsync(
        "sweep", "--grid", "lr=0.001,0.01,0.1", "--repeat", "2", "--batch", "8", "--parallel", "1", "--run", Run);

    private JsonNode Table() => JsonNode.Parse(File.ReadAllText(Path.Combine(Run, "table.json")))![0]!;

    /// <summary>Higher rates are better here, and each seed adds 1 dB.</summary>
    private TrainResult Train(TrainOptions options)
    {
        _trained.Add(options);
        Directory.CreateDirectory(options.Run!);
        TrainResult result = CommandRunner.Result(options, run: options.Run!);
        double psnr = 20 + Math.Log10(options.Configuration.Optimizer.LearningRate / 0.1) + options.Configuration.Seed;
        return result with { Summary = result.Summary with { Psnr = psnr } };
    }
}
