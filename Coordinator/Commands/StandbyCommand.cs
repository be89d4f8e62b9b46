using System.CommandLine;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>standby</c>: waits to take over a run, and trains it then as <c>train --resume</c> does.</summary>
internal sealed class StandbyCommand : IAsyncDisposable
{
    private readonly Func<TrainOptions> _read;
    private readonly bool _json;
    private readonly CommandContext _context;
    private readonly Standby _standby;
    private RunMetrics? _metrics;
    private IAsyncDisposable? _http;
    private RunData? _data;
    private CoordinatorNode? _node;

    private StandbyCommand(string folder, Func<TrainOptions> read, bool json, CommandContext context)
    {
        _read = read;
        _json = json;
        _context = context;
        _standby = new Standby(folder, Say, context.Clock)
        {
            Prepare = () => Task.Run(async () =>
            {
                TrainOptions options = read();
                await ListenAsync(options);
                await ServeAsync(options);
                _data = TrainSession.Prepare(options.Configuration);
            }),
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopServingAsync();
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }
    }

    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals, IReadOnlyList<string> commandLine)
    {
        Command command = new("standby", "Wait to take over a run whose coordinator dies");
        TrainArguments arguments = new();
        Option<bool> json = StrictOptions.Flag(
            "--json", "One JSON object as the last line of standard output; the rest goes to standard error");
        foreach (Option option in arguments.OfStandby.Append(json))
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (!Setting.IsGiven(result, arguments.Run))
            {
                result.AddError("There is no run to wait for; name its folder with --run DIR.");
            }
        });
        command.SetAction(async (result, _) =>
        {
            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            await using StandbyCommand standby = new(
                result.GetValue(arguments.Run)!,
                () => arguments.Read(result, settings, commandLine, Resumption.Existing),
                result.GetValue(json),
                context);
            return await standby.WaitAsync(signals);
        });
        return command;
    }

    /// <summary>Trains a run, new or not, or waits to take it over where somebody else trains it.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="read">Reads the options, anew when the run is this process's.</param>
    /// <param name="json">Whether the last line is a JSON object.</param>
    /// <param name="context">The command's surroundings.</param>
    /// <param name="signals">Ask it to end.</param>
    public static async Task<int> BeginAsync(
        string folder, Func<TrainOptions> read, bool json, CommandContext context, StopSignals signals)
    {
        await using StandbyCommand command = new(folder, read, json, context);
        using RunLock? taken = command._standby.TryBegin();
        return await (taken is null ? command.WaitAsync(signals) : command.TrainAsync(taken, signals));
    }

    private async Task<int> WaitAsync(StopSignals signals)
    {
        using RunLock? taken = await _standby.WaitAsync(signals.Token);
        TextWriter human = _context.Human(_json);
        if (taken is not null)
        {
            Say($"standby: takes over {_standby.Folder}");
            return await TrainAsync(taken, signals);
        }

        FolderStatus status = FolderStatus.Read(_standby.Folder, _context.Clock);
        human.WriteLine($"standby: nothing to take over; {status.ToLine()}");
        StatusCommand.WriteJson(status, _json, _context);
        return _standby.Ended!.Release == RunRelease.Failed ? ExitCodes.Failed : ExitCodes.Done;
    }

    /// <summary>Answers who asks for the run while it is another's, if there is a port to do so.</summary>
    private async Task ListenAsync(TrainOptions options)
    {
        if (options.Listen is null)
        {
            return;
        }

        try
        {
            _node = await TrainSession.ListenAsync(new NodeOptions(
                options.Listen,
                options.Advertise,
                options.Secrets ?? Path.Combine(_standby.Folder, "secrets"),
                options.TokenFile));
            _standby.Port = new NodePort(_node);
        }
        catch (AccessException exception)
        {
            // The holder's own port, if it runs on this machine: it is free when the run is.
            Say($"standby: does not listen yet: {exception.Message}");
        }
    }

    /// <summary>Health and metrics while it waits: alive, and not ready.</summary>
    private async Task ServeAsync(TrainOptions options)
    {
        if (options.Http is null)
        {
            return;
        }

        _metrics = new RunMetrics(_context.Clock);
        try
        {
            _http = await TrainSession.ServeAsync(
                options.Http,
                options.Secrets ?? Path.Combine(_standby.Folder, "secrets"),
                options.TokenFile,
                _metrics,
                Say);
        }
        catch (ConfigurationException exception)
        {
            // As with the port: the holder's own, if it runs on this machine.
            Say($"standby: does not serve yet: {exception.Message}");
        }
    }

    /// <summary>The run serves at the same port.</summary>
    private async Task StopServingAsync()
    {
        if (_http is not null)
        {
            await _http.DisposeAsync();
            _http = null;
        }

        _metrics?.Dispose();
    }

    private void Say(string line)
    {
        _context.Human(_json).WriteLine(line);
        _context.Service.Ready(line);
    }

    private async Task<int> TrainAsync(RunLock taken, StopSignals signals)
    {
        await StopServingAsync();
        return await TrainCommand.RunAsync(
            _read() with { Lock = taken, Data = _data },
            _json,
            _node is null ? _context : _context with
            {
                Train = (options, display, stop) => TrainSession.RunAsync(options, display, _node, stop),
            },
            signals);
    }
}
