using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Cluster;

/// <summary>What a connection is for.</summary>
public enum ConnectionKind
{
    /// <summary>A question before anything else: who are you, may I join.</summary>
    Probe,

    /// <summary>Messages of Akka.Remote.</summary>
    Akka,

    /// <summary>A tensor channel.</summary>
    Channel,
}

/// <summary>A connection whose other end has shown a key, or a pass between loopback addresses.</summary>
/// <remarks>
/// Who calls says what for, in the first bytes within TLS: <c>PROB</c>, <c>AKKA</c>, or <c>CHAN</c> and 32 bytes of a
/// pass. They never change.
/// </remarks>
public sealed class Connection : IDisposable
{
    /// <summary>Bytes of a channel's pass.</summary>
    public const int PassBytes = 32;

    private const int PreambleBytes = 4;
    private static readonly byte[][] s_preambles = [[.. "PROB"u8], [.. "AKKA"u8], [.. "CHAN"u8]];

    /// <summary>
    /// How long sent bytes may stay without an answer before the connection breaks. They are sent again after 0.2, 0.6,
    /// 1.4, 3 and 6.2 s: a cut of 3 s must not outlast the last of these.
    /// </summary>
    private static readonly TimeSpan s_userTimeout = TimeSpan.FromSeconds(7);

    private readonly GatheringStream? _gathering;

    /// <param name="socket">Owned.</param>
    /// <param name="stream">Owned.</param>
    /// <param name="key">Whose key the other end has shown.</param>
    /// <param name="gathering">Between TLS and the socket; null without TLS.</param>
    internal Connection(Socket socket, Stream stream, PeerKey key, GatheringStream? gathering = null)
    {
        _gathering = gathering;
        Socket = socket;
        Stream = stream;
        Key = key;
        Local = Plain(socket.LocalEndPoint);
        Remote = Plain(socket.RemoteEndPoint);
    }

    /// <summary>Blocking, and not known to the runtime's poll thread, until something asynchronous is done.</summary>
    public Socket Socket { get; }

    /// <summary>Of TLS, or of the bare socket.</summary>
    public Stream Stream { get; }

    /// <summary>Whose key the other end has shown; none on a bare socket.</summary>
    public PeerKey Key { get; }

    /// <summary>Whether it is TLS.</summary>
    public bool IsEncrypted => Stream is SslStream;

    /// <summary>This end; IPv4 that came as IPv6 is IPv4.</summary>
    public IPEndPoint Local { get; }

    /// <summary>The other end.</summary>
    public IPEndPoint Remote { get; }

    /// <summary>
    /// From now on TLS takes many records to and from the socket at once: only reads and writes that block may follow,
    /// on one thread each, and what is written waits for a flush.
    /// </summary>
    public void Gather() => _gathering?.Gather();

    /// <summary>Cuts it, from any thread: reads and writes that wait fail.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Stream.Dispose();
    }

    internal static bool IsLoopback(Socket socket) => IPAddress.IsLoopback(Plain(socket.LocalEndPoint).Address)
        && IPAddress.IsLoopback(Plain(socket.RemoteEndPoint).Address);

    /// <summary>What only the other end or the network can have done.</summary>
    internal static bool IsOfPeer(Exception exception) => exception is IOException or SocketException
        or AuthenticationException or ProtocolException or ObjectDisposedException or OperationCanceledException;

    /// <summary>What all sockets of these programs have.</summary>
    internal static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        if (OperatingSystem.IsLinux())
        {
            const int Tcp = 6;
            const int TcpUserTimeout = 18;
            socket.SetRawSocketOption(
                Tcp, TcpUserTimeout, BitConverter.GetBytes((int)s_userTimeout.TotalMilliseconds));
        }
    }

    internal static byte[] Preamble(ConnectionKind kind, ReadOnlySpan<byte> pass)
    {
        Invariant.Assert(
            pass.Length == (kind == ConnectionKind.Channel ? PassBytes : 0), "Channels have a pass, nothing else has.");
        return [.. s_preambles[(int)kind], .. pass];
    }

    internal static ConnectionKind ReadKind(Stream stream)
    {
        Span<byte> preamble = stackalloc byte[PreambleBytes];
        stream.ReadExactly(preamble);
        for (int i = 0; i < s_preambles.Length; i++)
        {
            if (preamble.SequenceEqual(s_preambles[i]))
            {
                return (ConnectionKind)i;
            }
        }

        throw new ProtocolException("A connection does not say what it is for.");
    }

    private static IPEndPoint Plain(EndPoint? end)
    {
        IPEndPoint address = (IPEndPoint)end!;
        return new IPEndPoint(HostPort.Plain(address.Address), address.Port);
    }
}
