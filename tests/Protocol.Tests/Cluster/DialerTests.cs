using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

/// <summary>Calling, and calling back.</summary>
public sealed class DialerTests
{
    [Fact]
    public async Task Dial_NobodyThere_IsAnIOFault_AndStopsWhenTold()
    {
        await using TestListener test = new();
        HostPort nobody = new("127.0.0.1", FreePort());
        await Assert.ThrowsAsync<IOException>(
            () => Dialer.DialAsync(nobody, test.Worker, ConnectionKind.Akka, CancellationToken.None));
        await Assert.ThrowsAsync<IOException>(() => Dialer.DialAsync(
            new HostPort("no-such-name.invalid", 1), test.Worker, ConnectionKind.Akka, CancellationToken.None));

        // One that lets connect and says nothing, until it is called off; then one that does not let connect.
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen(0);
        HostPort there = HostPort.Of((IPEndPoint)silent.LocalEndPoint!);
        using CancellationTokenSource stop = new(TimeSpan.FromSeconds(0.2));
        long start = Stopwatch.GetTimestamp();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Dialer.DialAsync(there, test.Worker, ConnectionKind.Akka, stop.Token));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(4)); // Not its own limit of 5 s.
        if (OperatingSystem.IsLinux())
        {
            // Nobody has accepted the first, so there is no room for a second.
            IOException late = await Assert.ThrowsAsync<IOException>(
                () => Dialer.DialAsync(there, test.Worker, ConnectionKind.Akka, CancellationToken.None));
            Assert.Contains("within 2 s", late.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The port of a name's other address may be somebody else's, who is passed over.</summary>
    [Fact]
    public async Task Dial_TriesAllAddressesOfAName()
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync("localhost");
        foreach (IPAddress address in addresses)
        {
            await using TestListener test = new(at: new ListenAddress(address, 0));
            HostPort localhost = new("localhost", test.Listener.Bound.Port);
            ProbeAnswer answer = await Probe.AskAsync(localhost, test.Worker, TestListener.Question, default);
            Assert.Equal(address, answer.You!.Address);
            using Credential wrong = Credential.OfWorker(test.WrongHash);
            await Assert.ThrowsAsync<AccessException>(
                () => Probe.AskAsync(localhost, wrong, TestListener.Question, default));
        }
    }

    [Fact]
    public async Task DialBack_FindsWhoListensWhereItAsksFrom()
    {
        await using TestListener test = new();
        await using TestListener stranger = new();
        await using ConnectionListener worker = ConnectionListener.Start(
            new ListenAddress(IPAddress.Loopback, 0), test.Worker, TimeProvider.System, test.Faults.Enqueue);
        worker.OnProbe = (_, connection, _) => Task.FromResult(new ProbeAnswer
        {
            Verdict = connection.Key == PeerKey.Coordinator ? ProbeVerdict.Ok : ProbeVerdict.Other,
        });
        test.Listener.OnProbe = (question, connection, stop) => Probe.DialBackAsync(
            new ProbeAnswer { Verdict = ProbeVerdict.Ok }, question, connection, test.Coordinator, stop);
        int port = worker.Bound.Port;
        (string? Calls, string Reason)[] cases =
        [
            ($"127.0.0.1:{port}", ""),
            ($"localhost:{port}", ""),
            (null, "does not listen"),
            ($"192.0.2.77:{port}", "it calls itself 192.0.2.77"),
            ($"no-such-name.invalid:{port}", "it calls itself no-such-name.invalid"),
            ($"127.0.0.1:{FreePort()}", "cannot be dialled"),
            (stranger.Address.ToString(), "another key"),
        ];
        foreach ((string? calls, string reason) in cases)
        {
            ProbeQuestion question = TestListener.Question with
            {
                Advertise = calls is null ? null : HostPort.Parse(calls),
            };
            ProbeAnswer answer = await Probe.AskAsync(test.Address, test.Worker, question, default);
            Assert.Equal((ProbeVerdict.Ok, reason.Length == 0), (answer.Verdict, answer.IsDialled));
            Assert.Contains(reason, answer.Reason, StringComparison.Ordinal);
        }
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
