using System.Collections.Concurrent;
using Akka;
using Akka.Actor;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Coordinator.Actors;

/// <summary>Where and as whom a coordinator listens.</summary>
/// <param name="Listen">An address of this machine, or any.</param>
/// <param name="Advertise">What others are to call it; null for the address that it listens at.</param>
/// <param name="Secrets">Folder of its key and tokens.</param>
/// <param name="TokenFile">File of the workers' token; null for the environment's, or the folder's.</param>
public sealed record NodeOptions(ListenAddress Listen, HostPort? Advertise, string Secrets, string? TokenFile);

/// <summary>The coordinator as other processes see it: one port and one cluster, for all its runs.</summary>
/// <remarks>
/// It listens from the start and answers probes: with itself once it holds a run, with the holder that it knows of
/// before, as a standby does. Every life of a coordinator is a cluster of its own.
/// </remarks>
public sealed class CoordinatorNode : IAsyncDisposable
{
    private static readonly TimeSpan s_standbyMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_unsaid = TimeSpan.FromSeconds(1);

    private readonly string _version;
    private readonly string _numerics;
    private readonly SecretsFolder _secrets;
    private readonly Credential _credential;
    private readonly ConnectionListener _listener;
    private readonly TimeProvider _clock;
    private readonly MessageRefusals _refusals;
    private readonly JoinedWorkers _workers = new();

    /// <summary>A fault of this program in a connection: ends the run at hand, or the next.</summary>
    private readonly TaskCompletionSource<Exception> _failed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When each standby asked last.</summary>
    private readonly ConcurrentDictionary<HostPort, long> _standbys = [];
    private volatile HeldCluster? _cluster;
    private volatile int _term;
    private volatile Action<string> _note = _ => { };
    private bool _isHowSaid;

    private CoordinatorNode(
        NodeOptions options, SecretsFolder secrets, string version, string numerics, TimeProvider clock)
    {
        _version = version;
        _numerics = numerics;
        _secrets = secrets;
        _clock = clock;
        _refusals = new MessageRefusals(line => _note(line), clock);
        _credential = Credential.OfCoordinator(secrets);
        _listener = ConnectionListener.Start(
            options.Listen, _credential, clock, fault => _failed.TrySetResult(fault));
        Advertised = options.Advertise
            ?? new HostPort(LocalAddress.Of(options.Listen.Address).ToString(), _listener.Bound.Port);
        _listener.OnProbe = AnswerAsync;
        _listener.OnChannel = _workers.TryOpen;
    }

    /// <summary>What others call it, and dial.</summary>
    public HostPort Advertised { get; }

    /// <summary>Where the run is held now, if it is not here; null if nobody knows.</summary>
    public Func<HostPort?> FindHolder { get; set; } = () => null;

    /// <summary>The system to run in; null before this coordinator holds anything.</summary>
    public ActorSystem? System => _cluster?.System;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="ConfigurationException">The port is taken, or the address is not this machine's.</exception>
    /// <exception cref="AccessException">The token is none, or not of this key.</exception>
    public static CoordinatorNode Start(NodeOptions options, string version, string numerics, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        SecretsFolder secrets = SecretsFolder.Open(options.Secrets, Token.Find(options.TokenFile), clock.GetUtcNow());
        return new CoordinatorNode(options, secrets, version, numerics, clock);
    }

    /// <summary>Tells the holder of a run that a standby is here; workers hear of it.</summary>
    internal async Task ShowStandbyAsync(HostPort holder)
    {
        ProbeQuestion question = new()
        {
            Role = ProbeRole.Standby,
            Version = _version,
            Numerics = _numerics,
            Advertise = Advertised,
        };
        try
        {
            await Probe.AskAsync(holder, _credential, question, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or AccessException)
        {
            // Who holds the run is the lock's business.
        }
    }

    /// <summary>Forms the cluster of this life: from now on workers are let in.</summary>
    /// <param name="term">Of the run at hand.</param>
    public void Hold(Term term)
    {
        _term = term.Value;
        if (_cluster is not null)
        {
            return; // Another run of the same experiment.
        }

        TransportSetup transport = new(_listener, _credential, Advertised, address => address);
        ActorSystem system = ActorSystems.CreateCluster(
            "coordinator", transport, _refusals, new HolderSetup(_workers.IsHeard, line => _note(line)));
        IActorRef gateway = system.ActorOf(
            ActorProps.Of(() => new GatewayActor(_workers, FindCoordinators)), "coordinator");
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(system);
        cluster.Join(cluster.SelfAddress);
        _cluster = new HeldCluster(system, gateway, Guid.NewGuid().ToString("N"));
    }

    /// <summary>Lets workers join a run, until what this gives is disposed of; says how, once.</summary>
    internal IAsyncDisposable Open(RunPort run, Action<string> note)
    {
        _note = note;
        _failed.Task.ContinueWith(
            failed => run.Fail(failed.Result),
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);
        if (!_isHowSaid)
        {
            _isHowSaid = true;
            string program = ShellLine.Program("Worker", AppContext.BaseDirectory);
            note($"Add workers: {program} --join {Advertised} --token-file {ShellLine.Quote(_secrets.JoinFile)}");
        }

        IActorRef gateway = _cluster!.Gateway;
        gateway.Tell(new GatewayActor.Begin(run));
        return new OpenPort(gateway);
    }

    /// <summary>Tells everybody who was ever welcomed that all is finished, and waits for them for a while.</summary>
    /// <param name="why">What they are told.</param>
    /// <param name="linger">Longest wait.</param>
    /// <param name="note">Called with a line if it is no short wait.</param>
    public async Task DismissAsync(string why, TimeSpan linger, Action<string> note)
    {
        if (_cluster is not { } cluster)
        {
            return;
        }

        Task told = cluster.Gateway.Ask<Done>(new GatewayActor.Dismiss(why));
        TimeSpan brief = linger < s_unsaid ? linger : s_unsaid;
        if (await Task.WhenAny(told, Task.Delay(brief, _clock)) != told && linger > brief)
        {
            note($"Waiting up to {linger.TotalSeconds:0} s for workers that do not know yet that {why}");
            await Task.WhenAny(told, Task.Delay(linger - brief, _clock));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.OnProbe = null;
        if (_cluster is { } cluster)
        {
            await Task.WhenAny(cluster.System.Terminate(), Task.Delay(s_farewell, _clock));
        }

        await _listener.DisposeAsync();
        _credential.Dispose();
        _secrets.Dispose();
    }

    private async Task<ProbeAnswer> AnswerAsync(
        ProbeQuestion question, Connection connection, CancellationToken stop)
    {
        ProbeAnswer answer = new()
        {
            Version = _version,
            Verdict = ProbeVerdict.Ok,
            Address = _cluster is null ? FindHolder() : Advertised,
            IsHolder = _cluster is not null,
            ClusterId = _cluster?.Id ?? "",
            Term = new Term(_term),
            Coordinators = FindCoordinators(),
            You = connection.Remote,
        };
        if (question.Version != _version)
        {
            return answer with
            {
                Verdict = ProbeVerdict.Version,
                Reason = $"coordinator is version {_version}, {question.Role} is {question.Version}",
            };
        }

        if (question.Role != ProbeRole.Tool && question.Numerics != _numerics)
        {
            return answer with
            {
                Verdict = ProbeVerdict.Numerics,
                Reason = $"coordinator computes as {_numerics}, {question.Role} as {question.Numerics}",
            };
        }

        if (question is { Role: ProbeRole.Standby, Advertise: { } standby })
        {
            OnStandby(standby);
        }

        return question is { Role: ProbeRole.Worker, Advertise: not null } && _cluster is not null
            ? await Probe.DialBackAsync(answer, question, connection, _credential, stop)
            : answer;
    }

    private void OnStandby(HostPort standby)
    {
        bool isNew = !_standbys.ContainsKey(standby);
        _standbys[standby] = _clock.GetTimestamp();
        if (isNew && _cluster is { } cluster)
        {
            _note($"Standby at {standby}");
            cluster.Gateway.Tell(new GatewayActor.CoordinatorsChanged());
        }
    }

    private IReadOnlyList<HostPort> FindCoordinators() =>
    [
        Advertised,
        .. _standbys
            .Where(standby => _clock.GetElapsedTime(standby.Value) < s_standbyMax)
            .Select(standby => standby.Key)
            .OrderBy(standby => standby.ToString(), StringComparer.Ordinal),
    ];

    private sealed record HeldCluster(ActorSystem System, IActorRef Gateway, string Id);

    private sealed class OpenPort(IActorRef gateway) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() =>
            await gateway.Ask<Done>(new GatewayActor.End("the run is over"), s_farewell);
    }
}
