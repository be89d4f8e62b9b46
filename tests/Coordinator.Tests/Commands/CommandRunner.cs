using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Microsoft.Extensions.Configuration;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Runs the command line in this process; training itself is replaced.</summary>
internal sealed class CommandRunner : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public CommandRunner()
    {
        Signals = new StopSignals(_error, code => Aborted = code, Clock);
        Train = (options, _, _) => Task.FromResult(Result(options));
    }

    /// <summary>What train was asked for last; null if it was not started.</summary>
    public TrainOptions? Options { get; private set; }

    public Func<TrainOptions, ITrainingDisplay, CancellationToken, Task<TrainResult>> Train { get; set; }

    public Dictionary<string, string?> Settings { get; } = [];

    public bool IsDebug { get; set; }

    /// <summary>By which signals are told apart; a test lets it go.</summary>
    public HandClock Clock { get; } = new();

    public StopSignals Signals { get; }

    /// <summary>What a second signal ended the process with.</summary>
    public int? Aborted { get; private set; }

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static TrainResult Result(TrainOptions options, bool isStopped = false, string run = "runs/x") => new(
        new RunSummary(
            Steps: 1000,
            Epochs: 1,
            Loss: 0.01,
            Psnr: 27.5,
            PsnrMeanPerImage: 28.25,
            PsnrEstimated: null,
            Accuracy: null,
            ImagesPerSecond: 900,
            Seconds: 50,
            Workers: options.Workers ?? 2,
            RecomputedShards: 0,
            WeightsSha256: new string('a', 64),
            Run: run,
            Step: new StepMeans(320.4, 310.2, 2.04, 1, 600, 1.5e6, 1.8e6)),
        isStopped,
        InputPsnr: 20.25,
        PreviewPath: null);

    public Task<int> RunAsync(params string[] arguments) => CommandLine.RunAsync(arguments, Context(), Signals);

    public CommandContext Context() => new()
    {
        Output = _output,
        Error = _error,
        IsDebug = IsDebug,
        OpenSettings = () => new ConfigurationBuilder().AddInMemoryCollection(Settings).Build(),
        Train = (options, display, stop) =>
        {
            Options = options with { Leaving = default };
            return Train(options, display, stop);
        },
    };

    public void Dispose()
    {
        Signals.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    /// <summary>A clock that stands still unless a test moves it.</summary>
    internal sealed class HandClock : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }
}
