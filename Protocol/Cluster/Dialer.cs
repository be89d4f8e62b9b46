using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Cluster;

/// <summary>Makes connections, each on a thread of its own: their sockets block.</summary>
public static class Dialer
{
    private static readonly TimeSpan s_connectMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_connectMin = TimeSpan.FromSeconds(0.25);
    private static readonly TimeSpan s_proveMax = TimeSpan.FromSeconds(5);

    /// <summary>Connects, and looks at the other end's key before anything is said.</summary>
    /// <param name="to">Whom to call; all addresses of a name are tried, within 2 s if all are silent.</param>
    /// <param name="own">What to show.</param>
    /// <param name="kind">What for.</param>
    /// <param name="stop">Gives up.</param>
    /// <param name="pass">Of a channel.</param>
    /// <param name="plain">Whether a channel may do without TLS, and without a look at the key, if both ends are
    /// loopback addresses.</param>
    /// <param name="accepted">
    /// Keys that the other end may show; if not given, the coordinator's, for Akka also the workers'.
    /// </param>
    /// <exception cref="IOException">The other end cannot be reached now.</exception>
    /// <exception cref="AccessException">It shows another key, and will go on to.</exception>
    public static Task<Connection> DialAsync(
        HostPort to,
        Credential own,
        ConnectionKind kind,
        CancellationToken stop,
        ReadOnlyMemory<byte> pass = default,
        bool plain = true,
        params PeerKey[] accepted) =>
        RunAsync(() => Dial(to, new Call(own, kind, pass, plain, accepted), stop), stop);

    internal static Task<T> RunAsync<T>(Func<T> work, CancellationToken stop) => Task.Factory.StartNew(
        work,
        stop,
        TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously,
        TaskScheduler.Default);

    internal static Connection Dial(HostPort to, Call call, CancellationToken stop)
    {
        IPAddress[] addresses = Resolve(to, stop);
        TimeSpan share = s_connectMax / addresses.Length;
        Exception? fault = null;
        foreach (IPAddress address in addresses)
        {
            try
            {
                return Dial(to, address, share > s_connectMin ? share : s_connectMin, call, stop);
            }
            catch (Exception exception) when (exception is IOException or AccessException)
            {
                fault = fault as AccessException ?? exception;
            }
        }

        ExceptionDispatchInfo.Throw(fault!);
        return null!;
    }

    /// <summary>Talks with the other end, at most for a time; then its socket is cut.</summary>
    /// <exception cref="IOException">It is gone, silent, or talks nonsense.</exception>
    internal static T Talk<T>(Socket socket, HostPort to, TimeSpan max, Func<T> talk, CancellationToken stop)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using CancellationTokenRegistration cut = time.Token.Register(socket.Dispose);
        time.CancelAfter(max);
        try
        {
            T result = talk();
            return cut.Unregister() ? result : throw new IOException("too late");
        }
        catch (Exception exception) when (Connection.IsOfPeer(exception))
        {
            stop.ThrowIfCancellationRequested();
            throw new IOException(
                time.IsCancellationRequested
                    ? $"{to} did not answer within {max.TotalSeconds:0.##} s" : $"{to}: {exception.Message}",
                exception);
        }
    }

    private static IPAddress[] Resolve(HostPort to, CancellationToken stop)
    {
        if (IPAddress.TryParse(to.Host, out IPAddress? address))
        {
            return [address];
        }

        try
        {
            IPAddress[] found = Dns.GetHostAddressesAsync(to.Host, stop)
                .WaitAsync(s_connectMax, stop).GetAwaiter().GetResult();
            return found.Length > 0 ? found : throw new IOException($"{to}: the name has no address");
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException)
        {
            throw new IOException($"{to}: {exception.Message}", exception);
        }
    }

    private static Connection Dial(
        HostPort to, IPAddress address, TimeSpan connectMax, Call call, CancellationToken stop)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            Connection.Prepare(socket);
            Talk(socket, to, connectMax, Connect, stop);
            return Talk(socket, to, s_proveMax, () => Prove(socket, to, call), stop);
        }
        catch (Exception exception)
        {
            socket?.Dispose();
            if (exception is SocketException)
            {
                throw new IOException($"{to}: {exception.Message}", exception);
            }

            throw;
        }

        bool Connect()
        {
            socket.Connect(address, to.Port);
            return true;
        }
    }

    private static Connection Prove(Socket socket, HostPort to, Call call)
    {
        NetworkStream bare = new(socket, ownsSocket: true);
        byte[] preamble = Connection.Preamble(call.Kind, call.Pass.Span);
        if (call is { MayBePlain: true, Kind: ConnectionKind.Channel } && Connection.IsLoopback(socket))
        {
            bare.Write(preamble);
            return new Connection(socket, bare, PeerKey.None);
        }

        GatheringStream gathering = new(bare);
        (Stream stream, PeerKey key) = call.Own.Call(gathering);
        if (!call.Accepts(key))
        {
            stream.Dispose();
            throw new AccessException(
                $"{to} shows another key than the token names.",
                "Check the address, and take the token file that this coordinator names.")
            {
                ExitCode = ExitCodes.CannotJoin,
            };
        }

        stream.Write(preamble);
        return new Connection(socket, stream, key, gathering);
    }

    internal readonly record struct Call(
        Credential Own, ConnectionKind Kind, ReadOnlyMemory<byte> Pass, bool MayBePlain, PeerKey[] Accepted)
    {
        public bool Accepts(PeerKey key) => Accepted.Length > 0 ? Accepted.Contains(key)
            : key == PeerKey.Coordinator || (key == PeerKey.Worker && Kind == ConnectionKind.Akka);
    }
}
