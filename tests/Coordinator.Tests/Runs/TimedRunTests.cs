using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>What a run of --time says and does while its steps are timed; training is real, of a small model.</summary>
public sealed class TimedRunTests : IDisposable
{
    private static readonly string[] s_disc =
        ["train", "--data", "disc", "--model", "mlp-disc", "--loss", "cross-entropy", "--shard", "5"];

    private static readonly string[] s_ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];

    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;
    private readonly CommandRunner _runner = new();
    private readonly ConcurrentQueue<string> _notes = new();

    public TimedRunTests() => _runner.Train =
        (options, display, stop) => TrainSession.RunAsync(options, new Recorder(display, _notes), stop);

    private string Run => Path.Combine(_root, "run");

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Stop_WhileStepsAreTimed_EndsWithTheSignalsCode_AndNoRun()
    {
        Task<int> ending = _runner.RunAsync(
            [.. s_disc, .. s_ports, "--workers", "0", "--time", "9h", "--run", Run]);
        string served = await SaidAsync("Health and metrics: ");
        await SaidAsync("Add workers: ");
        using HttpClient client = new();
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri($"{served}/healthz")));
        using HttpResponseMessage ready = await client.GetAsync(new Uri($"{served}/readyz"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);

        _runner.Signals.Receive(PosixSignal.SIGINT);

        Assert.Equal(ExitCodes.Interrupted, await ending);
        Assert.Contains("Stopped while steps were timed: no run was begun.", _runner.Error, StringComparison.Ordinal);
        Assert.False(ConfigurationFile.IsIn(Run));
    }

    /// <summary>How workers join, and where health is served, is said for the whole of it.</summary>
    [Fact]
    public async Task Lines_AreSaidOnce_AndTheRunGoesOnServing()
    {
        int code = await _runner.RunAsync([.. s_disc, .. s_ports, "--workers", "1", "--time", "1s", "--run", Run]);
        Assert.True(code == ExitCodes.Done, _runner.Error);
        Assert.Single(_notes, note => note.StartsWith("Add workers: ", StringComparison.Ordinal));
        Assert.Single(_notes, note => note.StartsWith("Health and metrics: ", StringComparison.Ordinal));
        int steps = ConfigurationFile.Read(Run).Steps!.Value;
        Assert.Single(_notes, note => note.EndsWith($"the same again: --steps {steps}", StringComparison.Ordinal));
    }

    /// <summary>A unit that starts anew has the time in its line, and the run has its length.</summary>
    [Fact]
    public async Task Resumed_SaysThatTheTimeIsNotLookedAt()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            [.. s_disc, "--workers", "1", "--steps", "3", "--run", Run]));
        Assert.DoesNotContain(_notes, IsIgnored);
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "train", "--run", Run, "--resume=auto", "--time", "9h", "--workers", "1"));
        Assert.Single(_notes, IsIgnored);
        Assert.Equal(3, ConfigurationFile.Read(Run).Steps);

        static bool IsIgnored(string note) => note.StartsWith("--time is not looked at: ", StringComparison.Ordinal);
    }

    /// <summary>The first third is warming up; records may have been thinned.</summary>
    [Fact]
    public void Pace_IsThatOfTheLastTwoThirds()
    {
        StepMetrics step = new(1, 1, 0.5, 0.1, 1, 1, 1, 0);
        double[] seconds = [1, 2, 3, 3.5, 4, 4.5, 5, 5.5, 6];
        StepMetrics[] steps = [.. seconds.Select((at, i) => step with { Step = i + 1, Seconds = at })];
        Assert.Equal(new PaceProbe.StepPace(6, 0.5, 6), PaceProbe.StepPace.Of(steps));
        Assert.Equal(new PaceProbe.StepPace(5, 0.5, 6), PaceProbe.StepPace.Of([.. steps.Where((_, i) => i != 2)]));
    }

    /// <summary>100 steps a pass, of 20 ms in the first and of 5 ms later.</summary>
    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 100)]
    [InlineData(3, 300)]
    [InlineData(0.001, 1)]
    [InlineData(1e9, int.MaxValue)]
    public void StepsIn_CountTheFirstPassApart(double seconds, int steps) =>
        Assert.Equal(steps, PaceProbe.StepsIn(seconds, 100, 0.020, 0.005));

    private async Task<string> SaidAsync(string start)
    {
        while (true)
        {
            if (_notes.FirstOrDefault(note => note.StartsWith(start, StringComparison.Ordinal)) is { } note)
            {
                return note[start.Length..];
            }

            await Task.Delay(20);
        }
    }

    private sealed class Recorder(ITrainingDisplay display, ConcurrentQueue<string> notes) : ITrainingDisplay
    {
        public void Note(string line)
        {
            notes.Enqueue(line);
            display.Note(line);
        }

        public void OnStep(in StepProgress progress) => display.OnStep(progress);

        public void OnValidated(int step, Evaluation evaluation) => display.OnValidated(step, evaluation);
    }
}
