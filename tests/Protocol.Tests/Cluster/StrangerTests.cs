using System.Net;
using System.Net.Sockets;
using System.Text;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

/// <summary>Strangers cost themselves only: a channel that was open goes on, and workers come in, meanwhile.</summary>
#pragma warning disable CA1001 // DisposeAsync of the test does it.
public sealed class StrangerTests : IAsyncLifetime
#pragma warning restore CA1001
{
    /// <summary>Time does not pass but where a test says so.</summary>
    private readonly ManualClock _clock = new();

    private readonly ListenerLimits _limits = new();
    private TestListener _test = null!;
    private Connection _near = null!;
    private Connection _far = null!;

    public async Task InitializeAsync()
    {
        _test = new TestListener(_clock);
        (_near, _far) = await _test.OpenAsync(plain: false);
    }

    public async Task DisposeAsync()
    {
        Talk(_near, _far);
        Assert.Equal(ProbeVerdict.Ok, (await _test.AskAsync(_test.Worker)).Verdict);
        _near.Dispose();
        _far.Dispose();
        await _test.DisposeAsync();
    }

    /// <summary>Goal: however many say nothing, a worker gets in at once. Method: no time passes for them.</summary>
    [Fact]
    public async Task SilentOnes_AreCutForThoseWhoComeLater()
    {
        List<Socket> strangers = [];
        try
        {
            for (int i = 0; i < 600; i++)
            {
                strangers.Add(await _test.ConnectAsync());
                if (i % 100 == 99)
                {
                    Assert.Equal(ProbeVerdict.Ok, (await _test.AskAsync(_test.Worker)).Verdict);
                    Talk(_near, _far);
                }
            }

            await _test.UntilRefused("crowd", 600 - _limits.UnprovenMax);
            Assert.Empty(await TestListener.ReadToEndAsync(strangers[0]));
            (Connection later, Connection there) = await _test.OpenAsync(plain: true);
            using Connection third = later;
            using Connection fourth = there;
            Talk(later, there);
            await PassAsync("time", 600 - (int)_test.Listener.Refused["crowd"]);
            Assert.Empty(await TestListener.ReadToEndAsync(strangers[^1]));
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
    }

    /// <summary>Who is not on this machine has a smaller number, apart from all others'.</summary>
    [FactWith(Need.OwnAddress)]
    public async Task SilentOnesOfOneAddress_AreCutForEachOther()
    {
        await using TestListener test = new(_clock, new ListenAddress(IPAddress.Any, 0));
        IPAddress own = Needs.OwnAddress()!;
        List<Socket> strangers = [];
        try
        {
            for (int i = 0; i < _limits.UnprovenOfOneMax + 5; i++)
            {
                strangers.Add(await test.ConnectAsync(i == 0 ? null : own));
            }

            await test.UntilRefused("crowd", 4);
            Assert.Empty(await TestListener.ReadToEndAsync(strangers[4]));
            await PassAsync(test, "time", _limits.UnprovenOfOneMax + 1);
            Assert.Equal(4, test.Listener.Refused["crowd"]);
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
    }

    public static TheoryData<string, byte[], string> Strangers
    {
        get
        {
            byte[] hello = [0x16, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC, 3, 3];
            byte[] noise = new byte[20_000];
            new Random(5).NextBytes(noise);
            byte[] channel = [.. "CHAN"u8, .. new byte[31]];
            return new TheoryData<string, byte[], string>
            {
                { "says nothing", [], "time" },
                { "HTTP", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "plain" },
                { "half an HTTP word", "GE"u8.ToArray(), "time" },
                { "half a handshake", hello, "time" },
                { "one byte of TLS", [0x16], "time" },
                { "TLS of nonsense", [0x16, 3, 1, 0, 200, .. noise], "tls" },
                { "a record of 64 KiB", [0x16, 3, 3, 0xFF, 0xFF, .. noise], "time" },
                { "a hello of 16 MiB", [0x16, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF], "tls" },
                { "lengths of 4 GiB", [.. Enumerable.Repeat((byte)0xFF, 4096)], "plain" },
                { "an alert", [0x15, 3, 3, 0, 2, 2, 40], "plain" },
                { "noise", [0, .. noise], "plain" },
                { "a pass that is not all", channel, "time" },
                { "a pass that is none", [.. channel, 1], "pass" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task Stranger_IsClosedWithoutAWord_WithinItsTime(string who, byte[] says, string refused)
    {
        using Socket stranger = await _test.ConnectAsync();
        try
        {
            await stranger.SendAsync(says);
        }
        catch (SocketException)
        {
            // It was closed before all of it was said.
        }

        Talk(_near, _far);
        await (refused == "time" ? PassAsync(refused) : _test.UntilRefused(refused));
        byte[] told = await TestListener.ReadToEndAsync(stranger);
        Assert.True(told is [] or [0x15, ..], who); // At most an alert of TLS.
        Assert.Equal([refused], _test.Listener.Refused.Keys);
    }

    /// <summary>One byte after the other, never long silent: the time is for all of it.</summary>
    [Fact]
    public async Task SlowWriter_IsClosedInTheSameTime()
    {
        using Socket stranger = await _test.ConnectAsync();
        byte[] hello = [0x16, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC, 3, 3];
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            for (int i = 0; i < 6000; i++)
            {
                await stranger.SendAsync(new[] { i < hello.Length ? hello[i] : (byte)i });
                await Task.Delay(10);
                _clock.Advance(TimeSpan.FromSeconds(0.1));
            }
        });
        Assert.Equal(1, _test.Listener.Refused["time"]);
    }

    /// <summary>Those who have the token are bounded as well: by their time, and by the length of a question.</summary>
    [Fact]
    public async Task Worker_WithAnEndlessQuestion_OrNone_IsClosed()
    {
        using (Connection silent = await DialAsync(_test.Worker))
        {
            await PassAsync("time");
            TestListener.AssertClosed(silent);
        }

        using Connection endless = await DialAsync(_test.Worker);
        endless.Stream.Write([.. Enumerable.Repeat((byte)'a', 8192)]);
        TestListener.AssertClosed(endless);
        await _test.UntilRefused("question");
    }

    /// <summary>Also those who have another key, after their handshake.</summary>
    [Fact]
    public async Task WrongKey_ThatSaysNothing_IsClosed()
    {
        using Credential wrong = Credential.OfWorker(_test.WrongSecret);
        using Connection silent = await DialAsync(wrong);
        await PassAsync("time");
        TestListener.AssertClosed(silent);
    }

    [Fact]
    public async Task AnswerThatNeverComes_IsNotWaitedFor()
    {
        TaskCompletionSource asked = new();
        Func<ProbeQuestion, Connection, CancellationToken, Task<ProbeAnswer>>? before = _test.Listener.OnProbe;
        _test.Listener.OnProbe = async (_, _, stop) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
            return new ProbeAnswer { Verdict = ProbeVerdict.Ok };
        };
        using Connection asker = await DialAsync(_test.Worker);
        asker.Stream.Write(TestListener.Question.ToBytes());
        await asked.Task.WaitAsync(TestListener.Patience);
        await PassAsync("question");
        TestListener.AssertClosed(asker);
        _test.Listener.OnProbe = before;
    }

    private Task<Connection> DialAsync(Credential own) =>
        Dialer.DialAsync(_test.Address, own, ConnectionKind.Probe, CancellationToken.None);

    private Task PassAsync(string reason, int count = 1) => PassAsync(_test, reason, count);

    /// <summary>Lets time pass until so many were refused: they may not have been accepted yet.</summary>
    private Task PassAsync(TestListener test, string reason, int count = 1) => TestListener.Until(() =>
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        return test.Listener.Refused.GetValueOrDefault(reason) >= count;
    });

    private static void Talk(Connection near, Connection far)
    {
        byte[] bytes = [1, 2, 3];
        near.Stream.Write(bytes);
        far.Stream.ReadExactly(bytes);
        far.Stream.Write(bytes);
        near.Stream.ReadExactly(bytes);
    }
}
