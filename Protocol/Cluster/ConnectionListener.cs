using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Cluster;

/// <summary>The process's one port: TLS, in which a few bytes say who speaks.</summary>
/// <remarks>
/// It belongs to the process, not to an ActorSystem, which may come and go. A connection proves itself on a thread of
/// its own, within a time and a number that are bounded apart from those who have shown a key; then it is handed over.
/// <code>
/// first bytes                           key                       then
/// TLS, PROB, question                   workers' or coordinator's answered, closed
/// TLS, PROB, question                   none or another           answered "secret", closed
/// TLS, AKKA                             workers' or coordinator's handed over
/// TLS, CHAN, pass                       workers' or coordinator's handed over, or closed for its pass
/// CHAN, pass, between loopback          -                         handed over, or closed for its pass
/// anything else                                                   closed
/// </code>
/// </remarks>
public sealed class ConnectionListener : IAsyncDisposable
{
    private const byte TlsHandshake = 0x16;
    private const string Answered = "answered";
    private const int Backlog = 512;
    private static readonly TimeSpan s_acceptPause = TimeSpan.FromSeconds(0.05);

    private static readonly ProbeAnswer s_secret =
        new() { Verdict = ProbeVerdict.Secret, Reason = "the token's secret is another one" };

    private readonly Socket _socket;
    private readonly Credential _credential;
    private readonly TimeProvider _clock;
    private readonly Action<Exception> _onFault;
    private readonly ListenerLimits _limits;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, long> _refused = new();
    private readonly Lock _lock = new();

    /// <summary>Those who still have to prove themselves, oldest first.</summary>
    private readonly List<Stranger> _strangers = [];

    private readonly HashSet<Task> _served = [];
    private readonly Task _loop;
    private volatile Func<ProbeQuestion, Connection, CancellationToken, Task<ProbeAnswer>>? _onProbe;
    private volatile Action<Connection>? _onAkka;
    private volatile Func<ReadOnlyMemory<byte>, Connection, bool>? _onChannel;

    private ConnectionListener(
        Socket socket, Credential credential, TimeProvider clock, Action<Exception> onFault, ListenerLimits limits)
    {
        _socket = socket;
        _credential = credential;
        _clock = clock;
        _onFault = onFault;
        _limits = limits;
        Bound = (IPEndPoint)socket.LocalEndPoint!;
        _loop = Task.Run(AcceptAsync);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Bound { get; }

    /// <summary>Answers probes, and ends when it is told to; null: they are closed.</summary>
    public Func<ProbeQuestion, Connection, CancellationToken, Task<ProbeAnswer>>? OnProbe
    {
        get => _onProbe;
        set => _onProbe = value;
    }

    /// <summary>Takes connections for the ActorSystem that lives now, and owns them; null: they are closed.</summary>
    public Action<Connection>? OnAkka
    {
        get => _onAkka;
        set => _onAkka = value;
    }

    /// <summary>Takes a channel by its pass, and owns it then; false, and it is closed.</summary>
    public Func<ReadOnlyMemory<byte>, Connection, bool>? OnChannel
    {
        get => _onChannel;
        set => _onChannel = value;
    }

    /// <summary>How many connections were refused, by reason.</summary>
    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>Begins to listen.</summary>
    /// <param name="at">Where.</param>
    /// <param name="credential">What to show; it must outlive the listener.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <param name="onFault">Told of a fault of this program, from any thread.</param>
    /// <param name="limits">Bounds.</param>
    /// <exception cref="AccessException">The port is taken, or the address is not this machine's.</exception>
    public static ConnectionListener Start(
        ListenAddress at,
        Credential credential,
        TimeProvider clock,
        Action<Exception> onFault,
        ListenerLimits? limits = null)
    {
        bool isAny = at.Address.Equals(IPAddress.IPv6Any);
        IPAddress address = isAny && !Socket.OSSupportsIPv6 ? IPAddress.Any : at.Address;
        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(new IPEndPoint(address, at.Port));
            socket.Listen(Backlog);
            return new ConnectionListener(socket, credential, clock, onFault, limits ?? new ListenerLimits());
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            bool isTaken = exception.SocketErrorCode == SocketError.AddressAlreadyInUse;
            throw new AccessException(
                $"--listen {new IPEndPoint(address, at.Port)}: {(isTaken ? "the port is taken" : exception.Message)}.",
                isTaken
                    ? "Choose another port, or end the program that has it."
                    : "Choose an address of this machine, or * for all, and a port that this user may open.",
                exception);
        }
    }

    /// <summary>Ends; what was handed over goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _loop;
        Task[] served;
        Stranger[] strangers;
        lock (_lock)
        {
            served = [.. _served];
            strangers = [.. _strangers];
        }

        foreach (Stranger stranger in strangers)
        {
            Cut(stranger, "end");
        }

        await Task.WhenAll(served);
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Take(await _socket.AcceptAsync(_stop.Token));
            }
            catch (OperationCanceledException)
            {
                // The end.
            }
            catch (SocketException)
            {
                // Gone before it was accepted, or too many files are open: some of them will be closed.
                await Task.Delay(s_acceptPause);
            }
#pragma warning disable CA1031 // Whoever gets it ends the program.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _onFault(exception);
            }
        }
    }

    private void Take(Socket socket)
    {
        Stranger stranger = new(socket, HostPort.Plain(((IPEndPoint)socket.RemoteEndPoint!).Address));
        Stranger? oldest;
        lock (_lock)
        {
            List<Stranger> ofOne = IPAddress.IsLoopback(stranger.Address)
                ? [] : _strangers.FindAll(other => other.Address.Equals(stranger.Address));
            oldest = ofOne.Count >= _limits.UnprovenOfOneMax ? ofOne[0]
                : _strangers.Count >= _limits.UnprovenMax ? _strangers[0]
                : null;
            _strangers.Add(stranger);
        }

        if (oldest is not null)
        {
            Cut(oldest, "crowd");
        }

        Task serving = Task.Factory.StartNew(
            () => ServeAsync(stranger),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();
        lock (_lock)
        {
            _served.RemoveWhere(task => task.IsCompleted);
            _served.Add(serving);
        }
    }

    /// <summary>Its thread finds that the connection is at its end, and closes it.</summary>
    private void Cut(Stranger stranger, string reason)
    {
        if (TryDecide(stranger, isCut: true))
        {
            Count(reason);
            try
            {
                stranger.Socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception exception) when (Connection.IsOfPeer(exception))
            {
                // It was at its end before.
            }
        }
    }

    /// <summary>Whoever comes first decides about a stranger: it is proven, or it is cut.</summary>
    private bool TryDecide(Stranger stranger, bool isCut = false)
    {
        lock (_lock)
        {
            bool isFirst = _strangers.Remove(stranger);
            stranger.IsCut |= isFirst && isCut;
            return isFirst;
        }
    }

    private void Count(string reason)
    {
        _refused.AddOrUpdate(reason, 1, (_, count) => count + 1);
        ProtocolMetrics.RefusedConnections.Add(1, new KeyValuePair<string, object?>("reason", reason));
    }

    /// <summary>On a thread of its own, until an answer is waited for.</summary>
    private async Task ServeAsync(Stranger stranger)
    {
        try
        {
            using ITimer time = _clock.CreateTimer(
                _ => Cut(stranger, "time"), null, _limits.ProveMax, Timeout.InfiniteTimeSpan);
            Prove(stranger);
            await HandOverAsync(stranger);
        }
        catch (Exception exception) when (Connection.IsOfPeer(exception))
        {
            // Counted by how far it got.
        }
#pragma warning disable CA1031 // Whoever gets it ends the program.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _onFault(exception);
        }

        TryDecide(stranger);
        if (stranger.Stage is { } stage)
        {
            stranger.Socket.Dispose();
            stranger.Connection?.Dispose();
            if (stage != Answered && !stranger.IsCut)
            {
                Count(stage);
            }
        }
    }

    /// <summary>Blocks until the key is shown, if any.</summary>
    private void Prove(Stranger stranger)
    {
        Socket socket = stranger.Socket;
        Connection.Prepare(socket);
        byte[] first = new byte[1];
        if (socket.Receive(first, SocketFlags.Peek) == 0)
        {
            throw new EndOfStreamException();
        }

        NetworkStream bare = new(socket, ownsSocket: true);
        if (first[0] == TlsHandshake)
        {
            stranger.Stage = "tls";
            GatheringStream gathering = new(bare);
            (Stream stream, PeerKey key) = _credential.Serve(gathering);
            stranger.Connection = new Connection(socket, stream, key, gathering);
            stranger.Stage = stranger.IsKnown ? "kind" : "key";
        }
        else
        {
            stranger.Stage = "plain";
            stranger.Connection = Connection.IsLoopback(socket)
                ? new Connection(socket, bare, PeerKey.None) : throw new ProtocolException("This is no TLS.");
        }
    }

    private async Task HandOverAsync(Stranger stranger)
    {
        Connection connection = stranger.Connection!;
        ConnectionKind kind = Connection.ReadKind(connection.Stream);
        if (kind == ConnectionKind.Channel && (stranger.IsKnown || !connection.IsEncrypted))
        {
            byte[] pass = new byte[Connection.PassBytes];
            connection.Stream.ReadExactly(pass);
            stranger.Stage = "pass";
            if (TryDecide(stranger) && _onChannel is { } onChannel && onChannel(pass, connection))
            {
                stranger.Stage = null;
            }
        }
        else if (kind == ConnectionKind.Akka && stranger.IsKnown)
        {
            if (TryDecide(stranger) && _onAkka is { } onAkka)
            {
                onAkka(connection);
                stranger.Stage = null;
            }
        }
        else if (kind == ConnectionKind.Probe && connection.IsEncrypted)
        {
            // All of the question is read whoever asks: closing would otherwise take the answer back.
            stranger.Stage = stranger.IsKnown ? "question" : stranger.Stage;
            byte[] text = ProbeText.Read(connection.Stream);
            if (!stranger.IsKnown)
            {
                connection.Stream.Write(s_secret.ToBytes());
            }
            else if (TryDecide(stranger) && _onProbe is { } onProbe)
            {
                await AnswerAsync(onProbe, ProbeQuestion.Parse(text), connection);
                stranger.Stage = Answered;
            }
        }
    }

    private async Task AnswerAsync(
        Func<ProbeQuestion, Connection, CancellationToken, Task<ProbeAnswer>> onProbe,
        ProbeQuestion question,
        Connection connection)
    {
        using CancellationTokenSource time = new(_limits.AnswerMax, _clock);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, _stop.Token);
        ProbeAnswer answer = await onProbe(question, connection, stop.Token);
        await connection.Stream.WriteAsync(answer.ToBytes(), stop.Token);
    }

    /// <summary>A connection that has not proven itself yet.</summary>
    private sealed class Stranger(Socket socket, IPAddress address)
    {
        public Socket Socket { get; } = socket;

        public IPAddress Address { get; } = address;

        public Connection? Connection { get; set; }

        public bool IsKnown => Connection is { Key: PeerKey.Worker or PeerKey.Coordinator };

        public bool IsCut { get; set; }

        /// <summary>What it did not get past; null when somebody else owns it.</summary>
        public string? Stage { get; set; } = "silent";
    }
}
