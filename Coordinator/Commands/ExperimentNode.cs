using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Http;

namespace Distributed.Coordinator.Commands;

/// <summary>The port and the cluster of an experiment, from its first run to its last.</summary>
internal sealed class ExperimentNode : IAsyncDisposable
{
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(30);
    private readonly CoordinatorNode? _node;
    private readonly StopSignals _signals;
    private IAsyncDisposable? _http;

    private ExperimentNode(CoordinatorNode? node, TrialPlace place, CommandContext context, StopSignals signals)
    {
        _node = node;
        Place = place.Http is null ? place : place with { Metrics = new RunMetrics(TimeProvider.System) };
        _signals = signals;
        Context = node is null
            ? context
            : context with
            {
                Train = (options, display, stop) => TrainSession.RunAsync(options, display, node, stop),
            };
    }

    /// <summary>Surroundings in which trials train.</summary>
    public CommandContext Context { get; }

    /// <summary>Where trials are computed.</summary>
    public TrialPlace Place { get; }

    /// <summary>Opens the port, if there is to be one.</summary>
    /// <param name="place">Where to listen.</param>
    /// <param name="folder">The experiment's.</param>
    /// <param name="context">The command's surroundings.</param>
    /// <param name="signals">Say whether the user ended it.</param>
    public static async Task<ExperimentNode> StartAsync(
        TrialPlace place, string folder, CommandContext context, StopSignals signals)
    {
        string secrets = place.Secrets ?? Path.Combine(folder, "secrets");
        CoordinatorNode? node = place.Listen is null
            ? null
            : await TrainSession.ListenAsync(new NodeOptions(place.Listen, Advertise: null, secrets, place.TokenFile));
        ExperimentNode experiment = new(node, place, context, signals);
        if (place.Http is { } http)
        {
            experiment._http = await TrainSession.ServeAsync(
                http, secrets, place.TokenFile, experiment.Place.Metrics!, context.Error.WriteLine);
        }

        return experiment;
    }

    /// <summary>Tells the workers that all is finished, unless this process alone is to end.</summary>
    public async ValueTask DisposeAsync()
    {
        await using IAsyncDisposable? http = _http;
        using RunMetrics? metrics = Place.Metrics;
        if (_node is null)
        {
            return;
        }

        if (!_signals.Leaving.IsCancellationRequested)
        {
            await _node.DismissAsync(
                "the experiment is finished", s_linger, Context.Error.WriteLine);
        }

        await _node.DisposeAsync();
    }
}
