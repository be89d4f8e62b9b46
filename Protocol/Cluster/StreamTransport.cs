using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace Distributed.Protocol.Cluster;

/// <summary>What a system's transport needs of its process.</summary>
/// <param name="listener">Of the process; outlives the system. Null for one that nobody can dial.</param>
/// <param name="credential">Of the process.</param>
/// <param name="advertised">What the system calls itself; others must address it exactly so.</param>
/// <param name="route">Where to dial for what a system calls itself; the same if nothing else is known.</param>
public sealed class TransportSetup(
    ConnectionListener? listener, Credential credential, HostPort advertised, Func<HostPort, HostPort> route) : Setup
{
    internal ConnectionListener? Listener => listener;

    internal Credential Credential => credential;

    internal HostPort Advertised => advertised;

    internal HostPort Route(Address address) => route(new HostPort(address.Host, address.Port!.Value));
}

/// <summary>Akka.Remote over the process's one port: TLS connections that are proven already, 4-byte frames.</summary>
/// <remarks>
/// A connection that fails costs only itself. (With Akka's own TLS transport a handshake that fails on the way out ends
/// the ActorSystem: a worker's port that something else answers would end the coordinator.)
/// </remarks>
public sealed class StreamTransport : Transport
{
    private readonly TransportSetup _setup;
    private readonly Address _local;
    private readonly ConcurrentDictionary<FrameHandle, bool> _handles = [];
    private readonly TaskCompletionSource<IAssociationEventListener> _events = new();
    private readonly Action<Connection> _onAkka;

    /// <summary>Called by Akka.Remote.</summary>
    public StreamTransport(ActorSystem system, Config config)
    {
        _setup = system.Settings.Setup.Get<TransportSetup>().Value;
        System = system;
        Config = config;
        SchemeIdentifier = "tcp";
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size", null) ?? 128_000;
        _local = new Address(SchemeIdentifier, system.Name, _setup.Advertised.Host, _setup.Advertised.Port);
        _onAkka = OnInbound;
    }

    /// <inheritdoc/>
    public override bool IsResponsibleFor(Address remote) => true;

    /// <inheritdoc/>
    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        if (_setup.Listener is { } listener)
        {
            listener.OnAkka = _onAkka;
        }

        return Task.FromResult((_local, _events));
    }

    /// <inheritdoc/>
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        ArgumentNullException.ThrowIfNull(remoteAddress);
        try
        {
            Connection connection = await Dialer.DialAsync(
                _setup.Route(remoteAddress), _setup.Credential, ConnectionKind.Akka, CancellationToken.None);
            return Begin(remoteAddress, connection);
        }
        catch (Exception exception) when (exception is IOException or AccessException)
        {
            throw new InvalidAssociationException(exception.Message, exception);
        }
    }

    /// <inheritdoc/>
    public override Task<bool> Shutdown()
    {
        if (_setup.Listener is { } listener && listener.OnAkka == _onAkka)
        {
            listener.OnAkka = null;
        }

        foreach (FrameHandle handle in _handles.Keys)
        {
            handle.Dispose();
        }

        return Task.FromResult(true);
    }

    /// <summary>Its peer's real address comes with its first message; until then the socket's stands for it.</summary>
    private async void OnInbound(Connection connection)
    {
        IAssociationEventListener events = await _events.Task;
        Address remote = new(
            SchemeIdentifier, System.Name, connection.Remote.Address.ToString(), connection.Remote.Port);
        events.Notify(new InboundAssociation(Begin(remote, connection)));
    }

    private FrameHandle Begin(Address remote, Connection connection)
    {
        FrameHandle handle = new(_local, remote, connection, (int)MaximumPayloadBytes);
        _handles.TryAdd(handle, true);
        _ = handle.RunAsync().ContinueWith(_ => _handles.TryRemove(handle, out bool _), TaskScheduler.Default);
        return handle;
    }

    /// <summary>One connection: frames of a length in 4 bytes, little-endian, and as many bytes.</summary>
    private sealed class FrameHandle(Address local, Address remote, Connection connection, int frameMax)
        : AssociationHandle(local, remote), IDisposable
    {
        private const int HeaderBytes = 4;

        /// <summary>More than any messages of ours need; a peer that does not read costs no more.</summary>
        private const int QueueBytesMax = 8 << 20;
        private static readonly TimeSpan s_closeMax = TimeSpan.FromSeconds(2);

        private readonly Channel<ByteString> _queue = Channel.CreateUnbounded<ByteString>(
            new UnboundedChannelOptions { SingleReader = true });

        private int _queued;

        public override bool Write(ByteString payload)
        {
            if (Interlocked.Add(ref _queued, payload.Length) > QueueBytesMax)
            {
                Interlocked.Add(ref _queued, -payload.Length);
                return false;
            }

            return _queue.Writer.TryWrite(payload);
        }

#pragma warning disable CS0672 // The one that says why calls this one.
        public override void Disassociate() => _queue.Writer.TryComplete();
#pragma warning restore CS0672

        public void Dispose() => connection.Dispose();

        public async Task RunAsync()
        {
            Task write = Quietly(WriteAsync);
            await Task.WhenAny(write, Quietly(ReadAsync));
            _queue.Writer.TryComplete();
            await Task.WhenAny(write, Task.Delay(s_closeMax));
            connection.Dispose();
            if (ReadHandlerSource.Task.IsCompletedSuccessfully)
            {
                (await ReadHandlerSource.Task).Notify(new Disassociated(DisassociateInfo.Unknown));
            }
        }

        /// <summary>However a connection ends, it has ended.</summary>
        private static async Task Quietly(Func<Task> loop)
        {
            try
            {
                await loop();
            }
            catch (Exception exception) when (
                exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Akka hears of it as a disassociation.
            }
        }

        private async Task WriteAsync()
        {
            byte[] buffer = new byte[HeaderBytes + frameMax];
            while (await _queue.Reader.WaitToReadAsync())
            {
                int filled = 0;
                while (_queue.Reader.TryRead(out ByteString? payload))
                {
                    Interlocked.Add(ref _queued, -payload.Length);
                    if (payload.Length + HeaderBytes > buffer.Length - filled)
                    {
                        await connection.Stream.WriteAsync(buffer.AsMemory(0, filled));
                        filled = 0;
                    }

                    BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(filled), payload.Length);
                    payload.Span.CopyTo(buffer.AsSpan(filled + HeaderBytes));
                    filled += HeaderBytes + payload.Length;
                }

                await connection.Stream.WriteAsync(buffer.AsMemory(0, filled));
            }
        }

        private async Task ReadAsync()
        {
            IHandleEventListener listener = await ReadHandlerSource.Task;
            byte[] header = new byte[HeaderBytes];
            while (true)
            {
                await connection.Stream.ReadExactlyAsync(header);
                int length = BinaryPrimitives.ReadInt32LittleEndian(header);
                if (length <= 0 || length > frameMax)
                {
                    return;
                }

                byte[] payload = GC.AllocateUninitializedArray<byte>(length);
                await connection.Stream.ReadExactlyAsync(payload);
                listener.Notify(new InboundPayload(UnsafeByteOperations.UnsafeWrap(payload)));
            }
        }
    }
}
