using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>What <c>standby</c> and <c>train --or-standby</c> train, and when; training itself is replaced.</summary>
public sealed class StandbyCommandTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Theory]
    [InlineData("standby")]
    [InlineData("standby", "--workers", "1", "--run", "x")]
    [InlineData("train", "--or-standby")]
    [InlineData("train", "--or-standby", "--run", "x", "--repeat", "2")]
    [InlineData("status")]
    [InlineData("stop")]
    public async Task Usage_RunIsMissingOrOptionIsNone_Is2(params string[] arguments)
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(arguments));
        Assert.Null(_runner.Options);
    }

    /// <summary>As train --resume: the options of the run folder, unless given again; the lock is held.</summary>
    [Fact]
    public async Task Standby_RunIsFree_TrainsItWithItsOptions()
    {
        string run = MakeRun(new TrainOptions { Workers = 3, CheckpointEvery = 7, TokenFile = "theirs" });
        _runner.Train = (options, _, _) =>
        {
            Assert.Null(RunLock.TryTake(run));
            return Task.FromResult(CommandRunner.Result(options, run: run));
        };
        int code = await _runner.RunAsync("standby", "--run", run, "--json", "--token-file", "ours");

        Assert.True(code == ExitCodes.Done, _runner.Error);
        TrainOptions options = _runner.Options!;
        Assert.Equal(
            (run, Resumption.Existing, 3, 7, "ours", 47),
            (options.Run, options.Resume, options.Workers, options.CheckpointEvery, options.TokenFile,
                options.Configuration.Batch));
        Assert.NotNull(options.Lock);
        Assert.Contains("takes over", _runner.Error, StringComparison.Ordinal);
        Assert.Equal(run, (string?)JsonNode.Parse(_runner.Output)!["run"]);
        RunLock.Take(run).Dispose();
    }

    [Fact]
    public async Task OrStandby_NoRunYet_BeginsOne()
    {
        string run = Path.Combine(_root, "new");
        int code = await _runner.RunAsync("train", "--run", run, "--or-standby", "--batch", "8");
        Assert.True(code == ExitCodes.Done, _runner.Error);
        Assert.Equal((Resumption.Auto, 8), (_runner.Options!.Resume, _runner.Options.Configuration.Batch));
        Assert.NotNull(_runner.Options.Lock);
        Assert.DoesNotContain("standby", _runner.Output, StringComparison.Ordinal);
        RunLock.Take(run).Dispose();
    }

    [Fact]
    public async Task OrStandby_FolderOfOtherThings_IsRefusedWithoutATrace()
    {
        File.WriteAllText(Path.Combine(_root, "holiday.png"), "");
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("train", "--run", _root, "--or-standby"));
        Assert.Single(Directory.EnumerateFileSystemEntries(_root));
    }

    /// <summary>The holder is this process, in which the run is held by a lock of its own.</summary>
    [Fact]
    public async Task OrStandby_RunIsHeld_WaitsAndTakesItOver()
    {
        string run = MakeRun(new TrainOptions());
        RunFolder holder = Hold(run);
        Task<int> standby = _runner.RunAsync("train", "--run", run, "--or-standby");
        await Until(() => _runner.Output.Contains("standby: waits for process", StringComparison.Ordinal));
        Assert.Null(_runner.Options);
        holder.Release(RunRelease.Left);
        holder.Dispose();
        Assert.Equal(ExitCodes.Done, await standby);
        Assert.Equal(Resumption.Auto, _runner.Options!.Resume);
        Assert.True(_runner.Options.Data!.IsOf(_runner.Options.Configuration));
    }

    [Theory]
    [InlineData("Finished", ExitCodes.Done)]
    [InlineData("Stopped", ExitCodes.Done)]
    [InlineData("Failed", ExitCodes.Failed)]
    public async Task Standby_RunEndsForAll_EndsWithIt(string release, int code)
    {
        string run = MakeRun(new TrainOptions());
        RunFolder holder = Hold(run);
        Task<int> standby = _runner.RunAsync("standby", "--run", run, "--json");
        await Until(() => _runner.Error.Contains("standby: waits for process", StringComparison.Ordinal));
        holder.Release(Enum.Parse<RunRelease>(release));
        holder.Dispose();
        Assert.Equal(code, await standby);
        Assert.Null(_runner.Options);
        Assert.Equal(release.ToLowerInvariant(), (string?)JsonNode.Parse(_runner.Output)!["state"]);
    }

    [Fact]
    public async Task Standby_DataAreNotHere_IsRefused()
    {
        string run = MakeRun(new TrainOptions(), data: "no-such-file.pkl");
        using RunFolder holder = Hold(run);
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("standby", "--run", run));
        Assert.Contains("no-such-file.pkl", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    private static RunFolder Hold(string run) => RunFolder.Open(
        new RunFolderOptions(
            ConfigurationFile.Read(run), Saved: null, run, Resumption.Existing, new HashSet<string>(), []),
        TimeProvider.System);

    private static async Task Until(Func<bool> isSo)
    {
        for (int i = 0; i < 6000 && !isSo(); i++)
        {
            await Task.Delay(10);
        }

        Assert.True(isSo(), "Nothing happens.");
    }

    private string MakeRun(TrainOptions options, string data = "disc")
    {
        string run = Path.Combine(_root, "run");
        Directory.CreateDirectory(run);
        ConfigurationFile.Write(run, new RunConfiguration { Batch = 47, Data = new() { Source = data } });
        OptionsFile.Write(run, options);
        return run;
    }
}
