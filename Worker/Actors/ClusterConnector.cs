using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;
using Distributed.Protocol.Tensors;

namespace Distributed.Worker.Actors;

/// <summary>Where a worker looks for coordinators, and where it listens itself.</summary>
/// <param name="Join">Addresses of coordinators.</param>
/// <param name="Listen">Where it listens; null for a free port, where it reaches a coordinator from.</param>
/// <param name="Advertise">What others are to call it; null for where it listens.</param>
public sealed record JoinAddresses(IReadOnlyList<HostPort> Join, ListenAddress? Listen, HostPort? Advertise);

/// <summary>Finds the coordinator that holds the run, and takes part in its cluster.</summary>
/// <remarks>
/// Every life of a coordinator is a cluster of its own. While a probe shows the same one, this waits; a takeover, a
/// plain restart, a removal or a quarantine end this process's ActorSystem, and another one joins. Nothing but
/// connections lives in it. A worker that cannot be dialled back takes part without being a member.
/// </remarks>
public sealed class ClusterConnector : ICoordinatorConnector, IAsyncDisposable
{
    private readonly JoinAddresses _addresses;
    private readonly Credential _credential;
    private readonly WorkerMessage.Join _identity;
    private readonly Action<string> _note;
    private readonly MessageRefusals _refusals;
    private readonly Action<Exception> _onFault;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Addresses that coordinators told: all are tried.</summary>
    private readonly ConcurrentDictionary<HostPort, bool> _known = [];

    /// <summary>Where to dial for what a coordinator calls itself.</summary>
    private readonly ConcurrentDictionary<HostPort, HostPort> _routes = [];
    private ConnectionListener? _listener;
    private HostPort? _advertised;
    private ClusterLife? _life;

    /// <summary>A connector that has not looked for anybody yet.</summary>
    /// <param name="addresses">Where to look, and to listen.</param>
    /// <param name="token">Lets this worker in.</param>
    /// <param name="identity">What it says of itself.</param>
    /// <param name="note">Called with what happens, a line each.</param>
    /// <param name="onFault">Called with a fault of this program in a connection.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    public ClusterConnector(
        JoinAddresses addresses,
        Token token,
        WorkerMessage.Join identity,
        Action<string> note,
        Action<Exception> onFault,
        TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        _addresses = addresses;
        _credential = Credential.OfWorker(token);
        _identity = identity;
        _note = note;
        _refusals = new MessageRefusals(note, clock);
        _onFault = onFault;
        _clock = clock;
        foreach (HostPort address in addresses.Join)
        {
            _known.TryAdd(address, true);
        }
    }

    /// <inheritdoc/>
    public async Task<ICoordinatorSession> ConnectAsync(
        IChannelHandler<CoordinatorMessage> handler, CancellationToken stop)
    {
        // One attempt at a time: the one before may still be on its way.
        await _one.WaitAsync(stop);
        try
        {
            Listen();
            (HostPort dialled, ProbeAnswer holder) = await FindHolderAsync(stop);
            _routes[holder.Address!] = dialled;
            ClusterLife life = await LiveInAsync(holder);
            return life.Open(dialled, _credential, handler, Learn, _onFault);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_life is { } life)
        {
            await life.DisposeAsync();
        }

        if (_listener is { } listener)
        {
            await listener.DisposeAsync();
        }

        _credential.Dispose();
        _one.Dispose();
    }

    /// <summary>Opens the process's port, if it is not open yet.</summary>
    private void Listen()
    {
        if (_listener is not null)
        {
            return;
        }

        IPAddress local = TowardsAny();
        ListenAddress listen = _addresses.Listen ?? new ListenAddress(local, 0);
        _listener = ConnectionListener.Start(listen, _credential, _clock, _onFault);
        _listener.OnProbe = (_, _, _) => Task.FromResult(
            new ProbeAnswer { Verdict = ProbeVerdict.Ok, Version = _identity.Version });
        bool isAny = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any);
        _advertised = _addresses.Advertise
            ?? new HostPort((isAny ? local : listen.Address).ToString(), _listener.Bound.Port);
    }

    /// <summary>The address of this machine from which it reaches a coordinator.</summary>
    private IPAddress TowardsAny()
    {
        string fault = "";
        foreach (HostPort address in _addresses.Join)
        {
            try
            {
                return LocalAddress.Towards(address);
            }
            catch (SocketException exception)
            {
                fault = $"{address}: {exception.Message}";
            }
        }

        throw new IOException(fault);
    }

    /// <summary>Asks all addresses that are known at once; the first that holds a run counts.</summary>
    private async Task<(HostPort Dialled, ProbeAnswer Holder)> FindHolderAsync(CancellationToken stop)
    {
        using CancellationTokenSource found = CancellationTokenSource.CreateLinkedTokenSource(stop);
        HashSet<HostPort> asked = [.. _known.Keys];
        List<Task<(HostPort Dialled, ProbeAnswer Answer)>> open = [.. asked.Select(AskAsync)];
        List<string> faults = [];
        while (open.Count > 0)
        {
            Task<(HostPort Dialled, ProbeAnswer Answer)> next = await Task.WhenAny(open);
            open.Remove(next);
            try
            {
                (HostPort dialled, ProbeAnswer answer) = await next;
                Check(dialled, answer);
                if (answer is { IsHolder: true, Address: not null })
                {
                    await found.CancelAsync();
                    return (dialled, answer);
                }

                faults.Add($"{dialled} does not hold the run");
                if (answer.Address is { } holder && asked.Add(holder))
                {
                    open.Add(AskAsync(holder));
                }
            }
            catch (IOException exception)
            {
                faults.Add(exception.Message);
            }
            catch (AccessException exception)
            {
                throw new JoinRefusedException(Refusal.Unauthorized, exception.Message, exception);
            }
        }

        throw new IOException(string.Join("; ", faults.Order(StringComparer.Ordinal)));

        async Task<(HostPort Dialled, ProbeAnswer Answer)> AskAsync(HostPort address)
        {
            ProbeQuestion question = new()
            {
                Role = ProbeRole.Worker,
                Version = _identity.Version,
                Numerics = _identity.Numerics,
                Name = _identity.Name,
                Advertise = _advertised,
            };
            return (address, await Probe.AskAsync(address, _credential, question, found.Token));
        }
    }

    private static void Check(HostPort dialled, ProbeAnswer answer)
    {
        if (answer.Verdict != ProbeVerdict.Ok)
        {
            throw new JoinRefusedException(
                answer.Verdict switch
                {
                    ProbeVerdict.Version => Refusal.Version,
                    ProbeVerdict.Numerics => Refusal.Numerics,
                    _ => Refusal.Unauthorized,
                },
                answer.Verdict == ProbeVerdict.Secret ? $"{dialled} does not accept this token" : answer.Reason);
        }
    }

    /// <summary>The system that takes part in the holder's cluster: the one there is, or a new one.</summary>
    private async Task<ClusterLife> LiveInAsync(ProbeAnswer holder)
    {
        if (_life is { } old)
        {
            if (old.ClusterId == holder.ClusterId && old.WhyOver is null)
            {
                return old;
            }

            await old.DisposeAsync();
        }

        TransportSetup transport = new(_listener!, _credential, _advertised!, RouteTo);
        _life = new ClusterLife(transport, _refusals, holder);
        _note(holder.IsDialled
            ? $"Takes part as a member of the cluster, called {_advertised}"
            : $"Takes part as a peer: {holder.Reason}");
        return _life;
    }

    private HostPort RouteTo(HostPort address) => _routes.GetValueOrDefault(address, address);

    private void Learn(IReadOnlyList<string> coordinators)
    {
        foreach (string text in coordinators)
        {
            if (HostPort.Parse(text) is { } address && _known.Count < 64)
            {
                _known.TryAdd(address, true);
            }
        }
    }
}
