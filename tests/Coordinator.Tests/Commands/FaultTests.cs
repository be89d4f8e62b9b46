using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Faults and signals become two lines and a number.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly CommandRunner _runner = new();

    public static TheoryData<int, Exception> Faults => new()
    {
        { ExitCodes.BadInput, new DataException("cause", "remedy") },
        { ExitCodes.BadInput, new ConfigurationException("cause", "remedy") },
        { ExitCodes.BadInput, new ShapeException("cause", "remedy") },
        { ExitCodes.BadInput, new AggregateException(new DataException("cause", "remedy")) },
        { ExitCodes.BadInput, new AccessException("cause", "remedy") },
        { ExitCodes.Usage, new AccessException("cause", "remedy") { ExitCode = ExitCodes.Usage } },
        { ExitCodes.Failed, new TrainingException("cause", "remedy") },
        { ExitCodes.Failed, new RunLostException("cause", "remedy") },
        { ExitCodes.Failed, new ActorFailedException("checkpoints", new RunLostException("cause", "remedy")) },
        { ExitCodes.NoValidCheckpoint, new CheckpointException("cause", "remedy") },
        { ExitCodes.DiskFull, new IOException("No space left on device : '/runs/x'", 28) },
        { ExitCodes.DiskFull, new AggregateException(new IOException("No space left", 28)) },
        { ExitCodes.DiskFull, new ConfigurationException("cause", "remedy", new IOException("No space left", 28)) },
        { ExitCodes.Failed, new IOException("input/output error", 5) },
        { ExitCodes.Failed, new InvalidOperationException("two\nlines") },
        { ExitCodes.Failed, new OperationCanceledException() },
    };

    public void Dispose() => _runner.Dispose();

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Fault_IsTwoLinesAndItsNumber(int code, Exception exception)
    {
        _runner.Train = (_, _, _) => Task.FromException<TrainResult>(exception);

        Assert.Equal(code, await _runner.RunAsync("--json"));
        JsonNode json = JsonNode.Parse(_runner.Output)!;
        Assert.Equal<string[]>([(string)json["error"]!, (string)json["remedy"]!], _runner.ErrorLines);
        Assert.Equal(code, (int)json["exitCode"]!);
        Assert.Equal(2, _runner.ErrorLines.Length);
        Assert.DoesNotContain("   at ", _runner.Error, StringComparison.Ordinal);
        if (code is ExitCodes.BadInput or ExitCodes.NoValidCheckpoint || exception.InnerException is RunLostException)
        {
            Assert.Equal(["cause", "remedy"], _runner.ErrorLines);
        }
    }

    /// <summary>The parser takes an unknown option for an argument, and complains of its neighbours.</summary>
    [Theory]
    [InlineData("denoise --weights w --model m --tile 64 a.png b.png", "Unknown option --tile.")]
    [InlineData("train --epoch=5 --btach 3", "Unknown option --epoch. Unknown option --btach.")]
    [InlineData("evaluate --run r --thread 3", "Unknown option --thread.")]
    [InlineData("--widht 3", "Unknown option --widht.")]
    public async Task UnknownOption_IsNamed_NotItsNeighbours(string line, string cause)
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(line.Split(' ')));
        Assert.Equal(cause, _runner.ErrorLines[0]);
        Assert.Equal("", _runner.Output);
    }

    [Fact]
    public async Task UsageFault_WithJson_IsAnObjectToo()
    {
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync("train", "--json", "--batch", "x"));
        JsonNode json = JsonNode.Parse(_runner.Output)!;
        Assert.Contains("--batch x", (string)json["error"]!, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (int)json["exitCode"]!);
    }

    /// <summary>A fault of the program itself: the actor is named, the stack is shown, the exit code is 1.</summary>
    [Fact]
    public async Task ActorFails_IsNamedWithTypeAndStack()
    {
        _runner.Train = (_, _, _) => throw new ActorFailedException("journal", Broken());

        Assert.Equal(ExitCodes.Failed, await _runner.RunAsync());
        Assert.Equal("journal failed: InvariantException: Steps are in order.", _runner.ErrorLines[0]);
        Assert.Contains("can be resumed", _runner.ErrorLines[1], StringComparison.Ordinal);
        Assert.Contains("ActorFails_IsNamedWithTypeAndStack", _runner.Error, StringComparison.Ordinal);

        static Exception Broken()
        {
            try
            {
                throw new InvariantException("Steps are in order.");
            }
            catch (InvariantException exception)
            {
                return exception;
            }
        }
    }

    [Fact]
    public async Task NoWorkersAndNoPort_IsRefused()
    {
        _runner.Train = TrainSession.RunAsync;
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("train", "--workers", "0"));
        Assert.Contains("--listen", _runner.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ActorMeetsAFullDisk_Is7()
    {
        _runner.Train = (_, _, _) => throw new ActorFailedException("journal", new IOException("No space left", 28));
        Assert.Equal(ExitCodes.DiskFull, await _runner.RunAsync());
    }

    [Fact]
    public async Task DiskFull_NamesThePlace()
    {
        _runner.Train = (_, _, _) => throw new IOException("No space left on device : '/runs/x'", 28);
        await _runner.RunAsync();
        Assert.Equal("The disk is full: No space left on device : '/runs/x'", _runner.ErrorLines[0]);
    }

    [Fact]
    public async Task Debug_ShowsTheStack()
    {
        _runner.IsDebug = true;
        _runner.Train = (_, _, _) => throw new InvalidOperationException("broken");
        Assert.Equal(ExitCodes.Failed, await _runner.RunAsync());
        Assert.StartsWith("InvalidOperationException: broken", _runner.Error, StringComparison.Ordinal);
        Assert.Contains("   at ", _runner.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT, ExitCodes.Interrupted)]
    [InlineData(PosixSignal.SIGTERM, ExitCodes.Terminated)]
    public async Task FirstSignal_SavesAndEnds_OneAfterTwoSecondsAborts(PosixSignal signal, int code)
    {
        _runner.Train = async (options, _, stop) =>
        {
            _runner.Signals.Receive(signal);
            Assert.True(stop.IsCancellationRequested);
            Assert.Equal(signal == PosixSignal.SIGTERM, options.Leaving.IsCancellationRequested);
            _runner.Clock.Elapsed += TimeSpan.FromSeconds(1.999);
            _runner.Signals.Receive(PosixSignal.SIGTERM);
            _runner.Signals.Receive(PosixSignal.SIGINT);
            Assert.Null(_runner.Aborted);
            _runner.Clock.Elapsed += TimeSpan.FromSeconds(0.001);
            _runner.Signals.Receive(signal);
            await Task.Yield();
            return CommandRunner.Result(options, isStopped: true);
        };

        Assert.Equal(code, await _runner.RunAsync());
        Assert.Equal(code, _runner.Aborted);
    }

    [Fact]
    public async Task SignalAfterTheLastStep_IsStillDone()
    {
        _runner.Train = (options, _, _) =>
        {
            _runner.Signals.Receive(PosixSignal.SIGINT);
            return Task.FromResult(CommandRunner.Result(options));
        };
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync());
    }

    [Fact]
    public async Task CancelledBySignal_EndsWithItsNumber()
    {
        _runner.Train = (_, _, stop) =>
        {
            _runner.Signals.Receive(PosixSignal.SIGTERM);
            return Task.FromCanceled<TrainResult>(stop);
        };
        Assert.Equal(ExitCodes.Terminated, await _runner.RunAsync());
    }
}
