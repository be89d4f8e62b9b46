using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

/// <summary>Who may talk to whom, and what a refused one is told.</summary>
public sealed partial class ConnectionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Akka_IsHandedOver_OverTls13_AndBothEndsKnowTheKeys(bool isWorkerCalled)
    {
        await using TestListener test = new(isWorker: isWorkerCalled);
        foreach ((Credential own, PeerKey key) in new[]
        {
            (test.Worker, PeerKey.Worker), (test.Coordinator, PeerKey.Coordinator),
        })
        {
            using Connection near = await Dialer.DialAsync(
                test.Address, own, ConnectionKind.Akka, CancellationToken.None);
            using Connection far = await TestListener.TakeAsync(test.Akka);
            Assert.Equal((key, isWorkerCalled ? PeerKey.Worker : PeerKey.Coordinator), (far.Key, near.Key));
            Assert.Equal((near.Local, near.Remote), (far.Remote, far.Local));
            Assert.True(near.IsEncrypted && far.IsEncrypted);
            if (!OperatingSystem.IsMacOS())
            {
                Assert.Equal(SslProtocols.Tls13, Assert.IsType<SslStream>(near.Stream).SslProtocol);
                Assert.Equal(SslProtocols.Tls13, Assert.IsType<SslStream>(far.Stream).SslProtocol);
            }

            await TalkAsync(near, far);
        }

        Assert.Empty(test.Listener.Refused);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Channel_IsHandedOverByItsPass_AndBlocks(bool plain)
    {
        await using TestListener test = new();
        (Connection near, Connection far) = await test.OpenAsync(plain);
        using Connection first = near;
        using Connection second = far;
        Assert.Equal((!plain, !plain), (near.IsEncrypted, far.IsEncrypted));
        Assert.Equal(
            plain ? (PeerKey.None, PeerKey.None) : (PeerKey.Coordinator, PeerKey.Worker), (near.Key, far.Key));
        foreach (Connection connection in new[] { near, far })
        {
            Assert.True(connection.Socket.NoDelay);
            if (OperatingSystem.IsLinux())
            {
                const int GetFlags = 3;
                const int NonBlocking = 0x800;
                byte[] timeout = new byte[4];
                connection.Socket.GetRawSocketOption(6, 18, timeout);
                Assert.Equal(7000, BitConverter.ToInt32(timeout));
                Assert.Equal(0, Control((int)connection.Socket.Handle, GetFlags, 0) & NonBlocking);
            }
        }

        await TalkAsync(near, far);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Channel_WithAnotherPass_IsClosed(bool plain)
    {
        await using TestListener test = new();
        byte[] pass = [.. TestListener.Pass];
        pass[^1] ^= 1;
        using Connection near = await Dialer.DialAsync(
            test.Address, test.Worker, ConnectionKind.Channel, CancellationToken.None, pass, plain);
        Assert.Equal(0, near.Stream.Read(new byte[1]));
        await test.UntilRefused("pass");
        Assert.Empty(test.Channels);
    }

    [Fact]
    public async Task Probe_IsAnswered()
    {
        await using TestListener test = new();
        ProbeAnswer answer = await test.AskAsync(test.Worker);
        Assert.Equal(ProbeVerdict.Ok, answer.Verdict);
        Assert.Equal(IPAddress.Loopback, answer.You!.Address);
        Assert.Equal((TestListener.Question, PeerKey.Worker), await TestListener.TakeAsync(test.Questions));
        Assert.Equal(ProbeVerdict.Ok, (await test.AskAsync(test.Coordinator)).Verdict);
        Assert.Equal(PeerKey.Coordinator, (await TestListener.TakeAsync(test.Questions)).Key);
    }

    [Fact]
    public async Task WrongSecret_IsToldSoByTheProbe_AndGetsNothingElse()
    {
        await using TestListener test = new();
        using Credential wrong = Credential.OfWorker(test.WrongSecret);
        Assert.Equal(ProbeVerdict.Secret, (await test.AskAsync(wrong)).Verdict);
        await test.UntilRefused("key");
        foreach (ConnectionKind kind in new[] { ConnectionKind.Akka, ConnectionKind.Channel })
        {
            byte[] pass = kind == ConnectionKind.Channel ? TestListener.Pass : [];
            using Connection near = await Dialer.DialAsync(
                test.Address, wrong, kind, CancellationToken.None, pass, plain: false);
            TestListener.AssertClosed(near);
        }

        await test.UntilRefused("key", 3);
        Assert.True(test.Questions.IsEmpty && test.Akka.IsEmpty && test.Channels.IsEmpty);
    }

    /// <summary>A client without a certificate: the TLS stack lets it in, the listener does not.</summary>
    [Fact]
    public async Task NoKey_IsToldSecret_AndGetsNothingElse()
    {
        await using TestListener test = new();
        byte[] question = [.. "PROB"u8, .. TestListener.Question.ToBytes()];
        ProbeAnswer answer = ProbeAnswer.Parse(await SayAsync(test, question, SslProtocols.Tls13));
        Assert.Equal(ProbeVerdict.Secret, answer.Verdict);
        Assert.Empty(await SayAsync(test, "AKKA"u8.ToArray(), SslProtocols.Tls13));
        Assert.Empty(await SayAsync(test, Connection.Preamble(ConnectionKind.Channel, TestListener.Pass), default));
        await test.UntilRefused("key", 3);
        Assert.True(test.Questions.IsEmpty && test.Akka.IsEmpty && test.Channels.IsEmpty);
    }

    [Fact]
    public async Task WrongHash_EndsTheCaller()
    {
        await using TestListener test = new();
        using Credential wrong = Credential.OfWorker(test.WrongHash);
        AccessException fault = await Assert.ThrowsAsync<AccessException>(() => test.AskAsync(wrong));
        Assert.Equal(ExitCodes.CannotJoin, fault.ExitCode);
        Assert.Contains($"{test.Address}", fault.Message, StringComparison.Ordinal);
        Assert.Contains("another key", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Only Akka is spoken with workers, unless the caller says otherwise.</summary>
    [Fact]
    public async Task WorkersKey_IsNotTheCoordinators()
    {
        await using TestListener test = new(isWorker: true);
        await Assert.ThrowsAsync<AccessException>(() => test.AskAsync(test.Worker));
        await Assert.ThrowsAsync<AccessException>(() => Dialer.DialAsync(
            test.Address, test.Worker, ConnectionKind.Channel, default, TestListener.Pass, plain: false));
        ProbeAnswer answer = await Probe.AskAsync(
            test.Address, test.Coordinator, TestListener.Question, CancellationToken.None, PeerKey.Worker);
        Assert.Equal(ProbeVerdict.Ok, answer.Verdict);
        await using TestListener coordinator = new();
        await Assert.ThrowsAsync<AccessException>(() => Probe.AskAsync(
            coordinator.Address, coordinator.Coordinator, TestListener.Question, default, PeerKey.Worker));
    }

    [FactWith(Need.Tls13)]
    public async Task OlderTls_IsRefused_AtBothEnds()
    {
        await using TestListener test = new();
        await Assert.ThrowsAnyAsync<Exception>(() => SayAsync(test, "PROB"u8.ToArray(), SslProtocols.Tls12));
        await test.UntilRefused("tls");

        using Socket server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        server.Listen();
        Task serving = Task.Run(async () =>
        {
            using SslStream tls = new(new NetworkStream(await server.AcceptAsync(), ownsSocket: true));
            await tls.AuthenticateAsServerAsync(test.Coordinator.Certificate, false, SslProtocols.Tls12, false);
        });
        await Assert.ThrowsAsync<IOException>(() => Probe.AskAsync(
            HostPort.Of((IPEndPoint)server.LocalEndPoint!), test.Worker, TestListener.Question, default));
        await Assert.ThrowsAnyAsync<Exception>(() => serving);
    }

    [Fact]
    public async Task Plain_IsForChannelsBetweenLoopbackAddressesOnly()
    {
        await using TestListener test = new(at: new ListenAddress(IPAddress.IPv6Any, 0));
        byte[] channel = Connection.Preamble(ConnectionKind.Channel, TestListener.Pass);
        byte[] question = [.. "PROB"u8, .. TestListener.Question.ToBytes()];
        foreach (byte[] bytes in new[] { question, "AKKA"u8.ToArray(), "GET / HTTP/1.1\r\n\r\n"u8.ToArray() })
        {
            using Socket socket = await test.ConnectAsync();
            await socket.SendAsync(bytes);
            Assert.Empty(await TestListener.ReadToEndAsync(socket));
        }

        await test.UntilRefused("plain", 3);
        using Socket open = await test.ConnectAsync();
        await open.SendAsync(channel);
        (await TestListener.TakeAsync(test.Channels)).Dispose();
    }

    [FactWith(Need.OwnAddress)]
    public async Task Plain_FromAnotherAddress_IsRefused_AndDialledWithTls()
    {
        await using TestListener test = new(at: new ListenAddress(IPAddress.IPv6Any, 0));
        IPAddress own = Needs.OwnAddress()!;
        using Socket socket = await test.ConnectAsync(own);
        await socket.SendAsync(Connection.Preamble(ConnectionKind.Channel, TestListener.Pass));
        Assert.Empty(await TestListener.ReadToEndAsync(socket));
        await test.UntilRefused("plain");
        HostPort there = HostPort.Of(new IPEndPoint(own, test.Listener.Bound.Port));
        using Connection near = await Dialer.DialAsync(
            there, test.Worker, ConnectionKind.Channel, CancellationToken.None, TestListener.Pass);
        Assert.True(near.IsEncrypted);
        using Connection far = await TestListener.TakeAsync(test.Channels);
        Assert.Equal((own, PeerKey.Worker), (far.Remote.Address, far.Key));
    }

    [Fact]
    public async Task NobodyWaits_IsClosed()
    {
        await using TestListener test = new();
        test.Listener.OnProbe = null;
        test.Listener.OnAkka = null;
        test.Listener.OnChannel = null;
        await Assert.ThrowsAsync<IOException>(() => test.AskAsync(test.Worker));
        using Connection akka = await Dialer.DialAsync(test.Address, test.Worker, ConnectionKind.Akka, default);
        TestListener.AssertClosed(akka);
        using Connection channel = await Dialer.DialAsync(
            test.Address, test.Worker, ConnectionKind.Channel, default, TestListener.Pass);
        TestListener.AssertClosed(channel);
        await test.UntilRefused("question");
        await test.UntilRefused("kind");
        await test.UntilRefused("pass");
    }

    /// <summary>A mistake of ours ends the program; what peers and networks do does not.</summary>
    [Fact]
    public async Task FaultOfOurs_IsTold()
    {
        await using TestListener test = new();
        test.Listener.OnProbe = (_, _, _) => throw new InvalidOperationException("probe");
        test.Listener.OnAkka = _ => throw new InvalidOperationException("akka");
        test.Listener.OnChannel = (_, _) => throw new InvalidOperationException("channel");
        await Assert.ThrowsAsync<IOException>(() => test.AskAsync(test.Worker));
        using Connection akka = await Dialer.DialAsync(test.Address, test.Worker, ConnectionKind.Akka, default);
        TestListener.AssertClosed(akka);
        using Connection channel = await Dialer.DialAsync(
            test.Address, test.Worker, ConnectionKind.Channel, default, TestListener.Pass);
        TestListener.AssertClosed(channel);
        foreach (string fault in new[] { "probe", "akka", "channel" })
        {
            Assert.Equal(fault, (await TestListener.TakeAsync(test.Faults)).Message);
        }

        test.Listener.OnProbe = async (_, _, _) =>
        {
            await Task.Yield();
            throw new IOException("the network's fault");
        };
        await Assert.ThrowsAsync<IOException>(() => test.AskAsync(test.Worker));
    }

    [Fact]
    public async Task TakenPort_AndForeignAddress_AreFaultsOfTheUser()
    {
        await using TestListener test = new();
        int port = test.Listener.Bound.Port;
        Assert.Contains($"127.0.0.1:{port}: the port is taken", Fault("127.0.0.1", port), StringComparison.Ordinal);
        Assert.Contains("192.0.2.99:0: ", Fault("192.0.2.99", 0), StringComparison.Ordinal);

        string Fault(string address, int at) => Assert.Throws<AccessException>(() => ConnectionListener.Start(
            new ListenAddress(IPAddress.Parse(address), at), test.Worker, TimeProvider.System, _ => { })).Message;
    }

    /// <summary>The port is free at once, and those who were handed over go on.</summary>
    [Fact]
    public async Task Disposed_FreesThePort_AndLeavesConnectionsAlone()
    {
        await using TestListener test = new();
        (Connection near, Connection far) = await test.OpenAsync(plain: false);
        using Connection first = near;
        using Connection second = far;
        using Socket silent = await test.ConnectAsync();
        test.Listener.OnProbe = async (_, _, stop) =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return new ProbeAnswer { Verdict = ProbeVerdict.Ok };
        };
        Task<ProbeAnswer> asking = test.AskAsync(test.Worker);
        await Task.Delay(50);
        await test.Listener.DisposeAsync();
        Assert.Empty(await TestListener.ReadToEndAsync(silent));
        await Assert.ThrowsAsync<IOException>(() => asking);
        await using ConnectionListener next = ConnectionListener.Start(
            new ListenAddress(IPAddress.Loopback, test.Address.Port), test.Worker, TimeProvider.System, _ => { });
        await TalkAsync(near, far);
    }

    private static async Task TalkAsync(Connection near, Connection far)
    {
        byte[] sent = new byte[300_000];
        Random.Shared.NextBytes(sent);
        byte[] received = new byte[sent.Length];
        foreach ((Connection from, Connection to) in new[] { (near, far), (far, near) })
        {
            Task writing = Task.Run(() => from.Stream.Write(sent));
            await Task.Run(() => to.Stream.ReadExactly(received));
            await writing;
            Assert.Equal(sent, received);
        }
    }

    /// <summary>A client that shows no certificate; what it is answered before the end.</summary>
    private static async Task<byte[]> SayAsync(TestListener test, byte[] bytes, SslProtocols protocols)
    {
        using SslStream tls = new(new NetworkStream(await test.ConnectAsync(), ownsSocket: true));
#pragma warning disable CA5359 // It is the test's own.
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
#pragma warning restore CA5359
        await tls.WriteAsync(bytes);
        using MemoryStream said = new();
        try
        {
            await tls.CopyToAsync(said);
        }
        catch (IOException)
        {
            // Reset: an end too.
        }

        return said.ToArray();
    }

    /// <summary>An address of this machine that is no loopback; null if there is none.</summary>
    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int file, int command, int argument);
}
