using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary><c>status</c> and <c>stop</c> by the files of a run.</summary>
public sealed class StatusTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public StatusTests()
    {
        ConfigurationFile.Write(_root, new RunConfiguration { Steps = 40 });
    }

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("stop")]
    public async Task NoRun_Is3(string command)
    {
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync(command, "--run", Path.Combine(_root, "none")));
        Assert.Contains("There is no run in", _runner.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_Running_SaysWhoAndHowFar()
    {
        using RunFolder holder = Hold();
        holder.Announce("192.0.2.1:5500");
        WriteSteps(12);

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("status", "--run", _root));
        Assert.Equal(
            $"{_root}: step 12 of 40, epoch 1, loss 0.25, 900 images/s, 2 workers; "
            + "held by coordinator 192.0.2.1:5500 (term 1)\n",
            _runner.Output);
    }

    [Fact]
    public async Task Status_Json_IsOneObject()
    {
        using RunFolder holder = Hold();
        WriteSteps(12);
        await _runner.RunAsync("status", "--run", _root, "--json");
        JsonNode status = JsonNode.Parse(_runner.Output)!;
        Assert.Equal("running", (string?)status["state"]);
        Assert.Equal(Environment.ProcessId, (int?)status["process"]);
        Assert.Equal((12, 40, 1), ((long)status["steps"]!, (int)status["stepsTotal"]!, (int)status["term"]!));
        Assert.Equal((0.25, 900), ((double)status["loss"]!, (double)status["imagesPerSecond"]!));
    }

    [Theory]
    [InlineData("Finished", "; finished")]
    [InlineData("Stopped", "; stopped")]
    [InlineData("Failed", "; failed")]
    [InlineData("Left", "; nobody runs it: process")]
    public async Task NobodyRuns_StatusSaysSo_StopIs3(string release, string expected)
    {
        using (RunFolder holder = Hold())
        {
            holder.Release(Enum.Parse<RunRelease>(release));
        }

        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("status", "--run", _root));
        Assert.Contains(expected, _runner.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("stop", "--run", _root));
        Assert.Contains(expected, _runner.ErrorLines[0], StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_root, "stop")));
    }

    /// <summary>Told from the process where that can be seen, else left open: its lock is never touched.</summary>
    [Fact]
    public void State_OfOneThatShowsNothing_DependsOnItsProcess()
    {
        ManualClock clock = new();
        RunHolder holder = new(null, Environment.ProcessId, Environment.MachineName, DateTimeOffset.UtcNow, Term: 1)
        {
            Heard = clock.GetUtcNow(),
        };
        Assert.Equal(HolderState.Running, (holder with { Process = int.MaxValue }).State(clock));
        holder = holder with { Heard = clock.GetUtcNow() - TimeSpan.FromSeconds(20) };
        Assert.Equal(HolderState.Silent, holder.State(clock));
        Assert.Equal(HolderState.Gone, (holder with { Process = int.MaxValue }).State(clock));
        Assert.Equal(HolderState.Gone, (holder with { Since = DateTimeOffset.UnixEpoch }).State(clock));
        Assert.Equal(HolderState.Silent, (holder with { Process = int.MaxValue, Host = "another" }).State(clock));
    }

    [Fact]
    public async Task Watch_StopFile_AsksOnce_AndIsGone()
    {
        ManualClock clock = new();
        using RunFolder holder = Hold();
        int asked = 0;
        await using (new RunWatch(_root, () => asked++, clock))
        {
            TaskCompletionSource never = new();
            await clock.PassAsync(TimeSpan.FromSeconds(2), never.Task);
            Assert.Equal(0, asked);
            Assert.Equal(TimeSpan.Zero, RunHolder.Find(_root)!.Silence(clock));
            File.WriteAllText(holder["stop"], "");
            await clock.PassAsync(TimeSpan.FromSeconds(1), never.Task);
            Assert.False(File.Exists(holder["stop"]));
            await clock.PassAsync(TimeSpan.FromSeconds(5), never.Task);
            Assert.Equal(1, asked);
        }
    }

    [Fact]
    public async Task Stop_Running_AsksTheHolder_AndWaitsUntilItLetsGo()
    {
        RunFolder holder = Hold();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RunWatch watch = new(_root, asked.SetResult, TimeProvider.System);
        Task<int> stop = _runner.RunAsync("stop", "--run", _root);
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(stop.IsCompleted);
        await watch.DisposeAsync();
        holder.Release(RunRelease.Stopped);
        holder.Dispose();
        Assert.Equal(ExitCodes.Done, await stop);
        Assert.Contains("Stopping", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("Let go", _runner.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_root, "stop")));
    }

    /// <summary>A standby took over before the holder had seen the request: it is asked as well.</summary>
    [Fact]
    public async Task Stop_TakenOverMeanwhile_AsksTheNextOne()
    {
        RunFolder first = Hold();
        Task<int> stop = _runner.RunAsync("stop", "--run", _root);
        await Until(() => File.Exists(Path.Combine(_root, "stop")));
        first.Dispose();
        RunFolder second = Hold();
        await Until(() => File.Exists(Path.Combine(_root, "stop")));
        second.Release(RunRelease.Stopped);
        second.Dispose();
        Assert.Equal(ExitCodes.Done, await stop);
    }

    [Fact]
    public async Task Stop_Interrupted_TakesTheRequestBack()
    {
        using RunFolder holder = Hold();
        Task<int> stop = _runner.RunAsync("stop", "--run", _root);
        await Until(() => File.Exists(Path.Combine(_root, "stop")));
        _runner.Signals.Receive(System.Runtime.InteropServices.PosixSignal.SIGINT);
        Assert.Equal(ExitCodes.Interrupted, await stop);
        Assert.False(File.Exists(Path.Combine(_root, "stop")));
    }

    private static async Task Until(Func<bool> isSo)
    {
        for (int i = 0; i < 6000 && !isSo(); i++)
        {
            await Task.Delay(10);
        }

        Assert.True(isSo(), "Nothing happens.");
    }

    private void WriteSteps(int count)
    {
        using MetricsLog log = new(Path.Combine(_root, "metrics.jsonl"), 0, TimeProvider.System);
        for (int step = 1; step <= count; step++)
        {
            log.Append(new StepMetrics(step, 1, 0.25, 0.001, 900, step, 2, 0));
        }
    }

    private RunFolder Hold() => RunFolder.Open(
        new RunFolderOptions(
            ConfigurationFile.Read(_root), Saved: null, _root, Resumption.Existing, new HashSet<string>(), []),
        TimeProvider.System);
}
