using System.Text.Json.Nodes;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>What a resumed run needs, reads and refuses; training is real, of a small model.</summary>
public sealed class ResumeTests : IDisposable
{
    private static readonly string[] s_disc =
        ["--data", "disc", "--model", "mlp-disc", "--loss", "cross-entropy", "--shard", "5", "--workers", "1"];

    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Resume_InitFileIsGone_GoesOnWithTheSameBits()
    {
        await TrainAsync([.. s_disc, "--steps", "1", "--seed", "9", "--run", At("first")]);
        string init = At("first", "model.safetensors");
        string whole = await TrainAsync([.. s_disc, "--steps", "8", "--init", init, "--run", At("whole")]);
        await TrainAsync([.. s_disc, "--steps", "4", "--init", init, "--run", At("cut")]);
        File.Delete(init);

        Assert.Equal(whole, await TrainAsync("--steps", "8", "--run", At("cut"), "--resume", "--workers", "1"));
        await RefusedAsync("other.pth", "--run", At("cut"), "--resume", "--init", "other.pth");
    }

    [Fact]
    public async Task Resume_CheckpointOfAnotherRun_IsRefusedByNameWithBothValues()
    {
        await TrainAsync([.. s_disc, "--steps", "4", "--run", At("zero")]);
        await TrainAsync([.. s_disc, "--steps", "4", "--seed", "7", "--run", At("seven")]);
        string checkpoint = At("seven", "checkpoints", "step-00000004.safetensors");
        File.Copy(At("zero", "checkpoints", "step-00000004.safetensors"), checkpoint, overwrite: true);

        string error = await RefusedAsync(checkpoint, "--run", At("seven"), "--resume", "--steps", "6");

        Assert.Contains("seed was 0, now 7", error, StringComparison.Ordinal);
        Assert.Contains("initialWeightsSha256 was ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("steps was", error, StringComparison.Ordinal);
    }

    /// <summary>Folders from before leaves were called shards.</summary>
    [Fact]
    public async Task Resume_FolderThatSaysLeaf_GoesOnWithTheSameBits()
    {
        string whole = await TrainAsync([.. s_disc, "--steps", "8", "--run", At("whole")]);
        await TrainAsync([.. s_disc, "--steps", "4", "--run", At("old")]);
        string path = At("old", "config.json");
        File.WriteAllText(path, Renamed(File.ReadAllText(path)));
        string checkpoint = At("old", "checkpoints", "step-00000004.safetensors");
        Checkpoint saved = CheckpointFile.Read(checkpoint);
        AtomicFile.Write(checkpoint, stream => CheckpointFile.Write(
            stream, saved with { Configuration = Renamed(saved.Configuration) }));

        Assert.Equal(whole, await TrainAsync("--steps", "8", "--run", At("old"), "--resume", "--workers", "1"));
        await RefusedAsync("shard was 5, now 6", "--run", At("old"), "--resume", "--shard", "6");
    }

    [Fact]
    public async Task Resume_NoRunThere_IsRefused_AndAutoStartsOne()
    {
        await RefusedAsync(At("new"), "--run", At("new"), "--resume");
        Assert.False(Directory.Exists(At("new")));
        await RefusedAsync(At("new"), "--run", At("new"), "--resume", "--repeat", "2");
        string whole = await TrainAsync([.. s_disc, "--steps", "4", "--run", At("whole")]);

        Assert.Equal(whole, await TrainAsync([.. s_disc, "--steps", "4", "--run", At("new"), "--resume=auto"]));
        Assert.Equal(whole, await TrainAsync("--run", At("new"), "--resume=auto", "--workers", "1"));
    }

    /// <summary>The only checkpoint is damaged, then gone: what can be done is said, and the start has the same bits.
    /// </summary>
    [Fact]
    public async Task Resume_WithoutAWholeCheckpoint_SaysBothWaysOut_ThenThatNoneIsLeft()
    {
        string whole = await TrainAsync([.. s_disc, "--steps", "8", "--run", At("whole")]);
        await TrainAsync([.. s_disc, "--steps", "4", "--run", At("cut")]);
        string checkpoint = Assert.Single(Directory.GetFiles(At("cut", "checkpoints")));
        File.WriteAllText(checkpoint, "damaged");
        using CommandRunner damaged = new() { Train = TrainSession.RunAsync };
        string[] resume = ["train", "--json", "--steps", "8", "--run", At("cut"), "--resume", "--workers", "1"];
        Assert.Equal(ExitCodes.NoValidCheckpoint, await damaged.RunAsync(resume));
        Assert.Contains("Restore one from a backup", damaged.Error, StringComparison.Ordinal);
        Assert.Contains($"move {checkpoint} away and resume", damaged.Error, StringComparison.Ordinal);

        File.Delete(checkpoint);
        using CommandRunner anew = new() { Train = TrainSession.RunAsync };
        Assert.Equal(ExitCodes.Done, await anew.RunAsync(resume));
        Assert.Contains("NO CHECKPOINT IS LEFT", anew.Error, StringComparison.Ordinal);
        Assert.Contains("had done 4 steps", anew.Error, StringComparison.Ordinal);
        Assert.Equal(whole, (string)JsonNode.Parse(anew.Output)!["weightsSha256"]!);
    }

    [Fact]
    public async Task Resume_NothingChanged_LeavesTheConfigurationAlone()
    {
        await TrainAsync([.. s_disc, "--steps", "2", "--run", At("run")]);
        DateTime written = File.GetLastWriteTimeUtc(At("run", "config.json"));
        await TrainAsync("--run", At("run"), "--resume", "--workers", "1");
        Assert.Equal(written, File.GetLastWriteTimeUtc(At("run", "config.json")));
    }

    /// <summary>What a step does once for all workers is the same for any number of them, and after a resume.</summary>
    [Theory]
    [InlineData("--clip-norm", "0.05")]
    [InlineData("--ema", "0.9")]
    public async Task Step_WithMoreThanTheOptimizer_GivesTheSameBitsAnywhere(string option, string value)
    {
        string[] all = [.. s_disc[..^2], option, value];
        string whole = await TrainAsync([.. all, "--steps", "8", "--run", At("1"), "--workers", "1"]);
        Assert.Equal(whole, await TrainAsync([.. all, "--steps", "8", "--run", At("2"), "--workers", "2"]));
        Assert.Equal(whole, await TrainAsync([.. all, "--steps", "8", "--run", At("3"), "--workers", "3"]));
        await TrainAsync([.. all, "--steps", "4", "--run", At("part"), "--workers", "1"]);
        Assert.Equal(whole, await TrainAsync("--steps", "8", "--run", At("part"), "--resume", "--workers", "2"));
        Assert.NotEqual(whole, await TrainAsync([.. s_disc, "--steps", "8", "--run", At("without")]));
        await RefusedAsync(value, "--run", At("part"), "--resume", option, "0");
    }

    /// <summary>The trained weights are those of a run without; what is kept and loaded is the average.</summary>
    [Fact]
    public async Task Ema_IsWhatTheRunLeaves_AndChangesNoTraining()
    {
        string weights = await TrainAsync([.. s_disc, "--steps", "8", "--run", At("without")]);
        string both = await TrainAsync([.. s_disc, "--steps", "8", "--run", At("run"), "--ema", "0.9"]);
        Assert.Equal(weights, both[..64]);
        string checkpoint = At("run", "checkpoints", "step-00000008.safetensors");
        Assert.Equal(both[64..], WeightsHash.Of(ModelLoader.FromRun(At("run")).Parameters));
        Assert.Equal(both[64..], WeightsHash.Of(ModelLoader.FromCheckpoint(checkpoint).Parameters));
        Assert.Equal(weights, CheckpointFile.Read(checkpoint).WeightsSha256());
        Assert.Equal(weights, WeightsHash.Of(ModelLoader.FromRun(At("without")).Parameters));
    }

    /// <summary>
    /// Its length stands in config.json like one that was given: so it can be repeated, also under a schedule, and goes
    /// on as it is. Nothing of the steps that were timed is left.
    /// </summary>
    [Fact]
    public async Task Time_BecomesANumberOfSteps()
    {
        string[] all = [.. s_disc, "--schedule", "cosine", "--warmup", "3"];
        string timed = await TrainAsync([.. all, "--time", "1s", "--run", At("timed")]);
        int steps = ConfigurationFile.Read(At("timed")).Steps!.Value;
        Assert.InRange(steps, 50, 1_000_000);
        Assert.Equal(steps, MetricsReader.Read(At("timed", "metrics.jsonl")).Count);
        Assert.Equal(timed, await TrainAsync([.. all, "--steps", $"{steps}", "--run", At("again")]));
        Assert.Equal(ConfigurationFile.Read(At("again")), ConfigurationFile.Read(At("timed")));
        Assert.Equal(timed, await TrainAsync("--run", At("timed"), "--resume=auto", "--time", "9h", "--workers", "1"));
    }

    private static string Renamed(string json)
    {
        Assert.Contains("\"shard\"", json, StringComparison.Ordinal);
        return json.Replace("\"shard\"", "\"leaf\"", StringComparison.Ordinal);
    }

    private string At(params string[] names) => Path.Combine([_root, .. names]);

    /// <summary>Trains; gives the hash of the weights, and that of their average if there is one.</summary>
    private static async Task<string> TrainAsync(params string[] arguments)
    {
        using CommandRunner runner = new() { Train = TrainSession.RunAsync };
        int code = await runner.RunAsync(["train", "--json", .. arguments]);
        Assert.True(code == ExitCodes.Done, runner.Error);
        JsonNode result = JsonNode.Parse(runner.Output)!;
        return (string)result["weightsSha256"]! + (string?)result["emaSha256"];
    }

    private static async Task<string> RefusedAsync(string named, params string[] arguments)
    {
        using CommandRunner runner = new() { Train = TrainSession.RunAsync };
        Assert.Equal(ExitCodes.BadInput, await runner.RunAsync(["train", "--json", .. arguments]));
        Assert.Contains(named, runner.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.BadInput, (int)JsonNode.Parse(runner.Output)!["exitCode"]!);
        return runner.Error;
    }
}
