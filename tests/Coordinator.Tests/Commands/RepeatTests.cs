using System.Text.Json.Nodes;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Repeated runs that were cut off go on where they were; here training is real, of a small model.</summary>
public sealed class RepeatTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;
    private readonly List<(uint Seed, Resumption Resume)> _trained = [];

    private string Folder => Path.Combine(_root, "runs");

    [Fact]
    public async Task Resume_SkipsFinishedRuns_GoesOnWithTheOneCutOff_AndAddsOthers()
    {
        string[] options = ["--data", "disc", "--model", "mlp-disc", "--loss", "cross-entropy", "--seed", "7"];
        JsonNode whole = await RunAsync([.. options, "--steps", "12", "--repeat", "2"]);
        Assert.Equal([(7u, Resumption.None), (8u, Resumption.None)], Taken());

        // As if the second run had been killed: there are checkpoints, but no end.
        File.Delete(Path.Combine(Folder, "seed-8", "result.json"));
        File.Delete(Path.Combine(Folder, "seed-8", "model.safetensors"));
        JsonNode resumed = await RunAsync("--repeat", "3", "--resume");

        Assert.Equal([(8u, Resumption.Auto), (9u, Resumption.Auto)], Taken());
        Assert.Equal(["7", "8", "9"], resumed["runs"]!.AsArray().Select(run => run!["seed"]!.ToString()));
        Assert.All([0, 1], run => Assert.Equal(Sha(whole, run), Sha(resumed, run)));
        Assert.Equal(3, (int)resumed["repeat"]!);
        Assert.Equal(whole["runs"]![0]!.ToJsonString(), resumed["runs"]![0]!.ToJsonString());

        // Longer runs are not finished yet; those that are as long as before are.
        JsonNode longer = await RunAsync("--repeat", "3", "--resume", "--steps", "20");
        Assert.Equal([(7u, Resumption.Auto), (8u, Resumption.Auto), (9u, Resumption.Auto)], Taken());
        Assert.Equal(20, (int)longer["runs"]![0]!["steps"]!);
        await RunAsync("--repeat", "3", "--resume");
        Assert.Empty(Taken());
    }

    [Fact]
    public async Task Resume_FolderWithoutRepeatedRuns_IsRefused()
    {
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "config.json"), "{}");
        using CommandRunner runner = new();

        Assert.Equal(ExitCodes.BadInput, await runner.RunAsync("--repeat", "2", "--run", Folder, "--resume"));

        Assert.Contains("no repeated runs", runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.Null(runner.Options);
    }

    [Fact]
    public async Task Stopped_SaysHowToGoOn()
    {
        using CommandRunner runner = new();
        runner.Train = (options, _, _) =>
            Task.FromResult(CommandRunner.Result(options, isStopped: options.Configuration.Seed == 1));

        await runner.RunAsync("train", "--repeat", "3", "--steps", "5", "--run", Folder);

        Assert.Contains(
            $"train --repeat 3 --steps 5 --run {Folder} --resume", runner.Output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private async Task<JsonNode> RunAsync(params string[] options)
    {
        using CommandRunner runner = new();
        runner.Train = (asked, display, stop) =>
        {
            _trained.Add((asked.Configuration.Seed, asked.Resume));
            return TrainSession.RunAsync(asked, display, stop);
        };
        int code = await runner.RunAsync([.. options, "--run", Folder, "--workers", "1", "--json"]);
        Assert.True(code == ExitCodes.Done, runner.Error);
        return JsonNode.Parse(runner.Output)!;
    }

    /// <summary>What was trained since the last call.</summary>
    private (uint Seed, Resumption Resume)[] Taken()
    {
        (uint, Resumption)[] taken = [.. _trained];
        _trained.Clear();
        return taken;
    }

    private static string Sha(JsonNode summary, int run) => (string)summary["runs"]![run]!["weightsSha256"]!;
}
