using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

/// <summary>A coordinator's listener, or a worker's, that keeps what it is handed.</summary>
internal sealed class TestListener : IAsyncDisposable
{
    /// <summary>Long enough for any machine; nothing takes that long unless it is broken.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-listener-").FullName;
    private readonly SecretsFolder _secrets;

    public TestListener(TimeProvider? clock = null, ListenAddress? at = null, bool isWorker = false)
    {
        _secrets = SecretsFolder.Open(Path.Combine(_folder, "secrets"), null, DateTimeOffset.UtcNow);
        Coordinator = Credential.OfCoordinator(_secrets);
        Worker = Credential.OfWorker(_secrets.Join);
        Listener = ConnectionListener.Start(
            at ?? new ListenAddress(IPAddress.Loopback, 0),
            isWorker ? Worker : Coordinator,
            clock ?? TimeProvider.System,
            Faults.Enqueue);
        Listener.OnProbe = (question, connection, _) =>
        {
            Questions.Enqueue((question, connection.Key));
            return Task.FromResult(new ProbeAnswer { Verdict = ProbeVerdict.Ok, You = connection.Remote });
        };
        Listener.OnAkka = Akka.Enqueue;
        Listener.OnChannel = (pass, connection) =>
        {
            if (!pass.Span.SequenceEqual(Pass))
            {
                return false;
            }

            Channels.Enqueue(connection);
            return true;
        };
    }

    public static byte[] Pass { get; } = [.. Enumerable.Range(100, Connection.PassBytes).Select(i => (byte)i)];

    public ConnectionListener Listener { get; }

    public Token Token => _secrets.Join;

    public Credential Coordinator { get; }

    public Credential Worker { get; }

    public ConcurrentQueue<Exception> Faults { get; } = new();

    public ConcurrentQueue<(ProbeQuestion Question, PeerKey Key)> Questions { get; } = new();

    public ConcurrentQueue<Connection> Akka { get; } = new();

    public ConcurrentQueue<Connection> Channels { get; } = new();

    public HostPort Address => HostPort.Of(new IPEndPoint(IPAddress.Loopback, Listener.Bound.Port));

    public static ProbeQuestion Question { get; } = new() { Role = ProbeRole.Worker, Version = "1", Name = "beta" };

    /// <summary>A token for the same coordinator with another secret.</summary>
    public Token WrongSecret => Token.Create(Token.Hash);

    /// <summary>A token with the right secret for another coordinator.</summary>
    public Token WrongHash => Token.Parse($"{new string('0', 64)}::{Token.Secret}", "test");

    public Task<ProbeAnswer> AskAsync(Credential own) => Probe.AskAsync(Address, own, Question, CancellationToken.None);

    /// <summary>A dialled channel and what the listener was handed for it.</summary>
    public async Task<(Connection Near, Connection Far)> OpenAsync(bool plain)
    {
        Connection near = await Dialer.DialAsync(
            Address, Worker, ConnectionKind.Channel, CancellationToken.None, Pass, plain);
        return (near, await TakeAsync(Channels));
    }

    /// <summary>A socket that is connected and says nothing.</summary>
    public async Task<Socket> ConnectAsync(IPAddress? address = null)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address ?? IPAddress.Loopback, Listener.Bound.Port);
        return socket;
    }

    public static async Task<T> TakeAsync<T>(ConcurrentQueue<T> queue)
    {
        T? taken = default;
        await Until(() => queue.TryDequeue(out taken));
        return taken!;
    }

    public Task UntilRefused(string reason, int count = 1) =>
        Until(() => Listener.Refused.GetValueOrDefault(reason) >= count);

    public static async Task Until(Func<bool> holds)
    {
        using CancellationTokenSource patience = new(Patience);
        while (!holds())
        {
            await Task.Delay(5, patience.Token);
        }
    }

    /// <summary>Reads to the end, whatever is said before it.</summary>
    public static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using CancellationTokenSource patience = new(Patience);
        List<byte> said = [];
        byte[] bytes = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(bytes, patience.Token) is > 0 and var count)
            {
                said.AddRange(bytes.AsSpan(0, count));
            }
        }
        catch (SocketException)
        {
            // Reset: an end too.
        }

        return [.. said];
    }

    public static void AssertClosed(Connection connection)
    {
        try
        {
            Assert.Equal(0, connection.Stream.Read(new byte[1]));
        }
        catch (IOException)
        {
            // Reset: an end too.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        foreach (Connection connection in Akka.Concat(Channels))
        {
            connection.Dispose();
        }

        Worker.Dispose();
        Coordinator.Dispose();
        _secrets.Dispose();
        Directory.Delete(_folder, recursive: true);
        Assert.Empty(Faults);
    }
}
