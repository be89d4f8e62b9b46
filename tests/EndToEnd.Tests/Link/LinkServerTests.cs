using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Distributed.Coordinator.Http;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Link;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>What strangers, faulty peers and the curious can do to a coordinator's port.</summary>
public sealed class LinkServerTests : IAsyncLifetime, IDisposable
{
    private const string Protocol = $"{LinkClient.Protocol}/{LinkClient.ProtocolVersion}";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly DataOptions s_synthetic = new() { Limit = 32 };
    private readonly HttpClient _http = new();
    private readonly JobSource _jobs = new(data: null, Path.GetTempPath(), _ => { });
    private ServedRun _run = null!;

    public async Task InitializeAsync() => _run = await ServedRun.StartAsync(s_synthetic, new LinkOptions
    {
        FirstMessageMax = TimeSpan.FromSeconds(1),
        WatchInterval = TimeSpan.FromSeconds(0.1),
    });

    public async Task DisposeAsync() => await _run.DisposeAsync();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task EveryPathAndVerb_Is401WithoutAToken_ButHealth()
    {
        string[] open = ["/healthz", "/readyz"];
        string[] paths =
            [.. _run.Server.Paths.Except(open), "/", "/no-such-path", "/healthz/", "/healthz/x", "/link/x"];
        Assert.Equal(["/healthz", "/link", "/metrics", "/readyz"], _run.Server.Paths.Order(StringComparer.Ordinal));
        string[] tokens = ["", "x", _run.Secrets.Join.Secret + "x"];
        string[] verbs = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"];
        foreach (string path in paths)
        {
            foreach (string verb in verbs)
            {
                foreach (string token in tokens)
                {
                    Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(verb, path, token));
                }
            }
        }

        string inUrl = $"/metrics?token={_run.Secrets.View.Secret}";
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("GET", inUrl, ""));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("GET", "/healthz", ""));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync("GET", "/readyz", ""));
    }

    [Fact]
    public async Task EachToken_OpensItsOwnDoorOnly()
    {
        (string Path, Token Token, HttpStatusCode Answer)[] cases =
        [
            ("/metrics", _run.Secrets.View, HttpStatusCode.OK),
            ("/metrics", _run.Secrets.Operate, HttpStatusCode.OK),
            ("/metrics", _run.Secrets.Join, HttpStatusCode.Forbidden),
            ("/link", _run.Secrets.View, HttpStatusCode.Forbidden),
            ("/link", _run.Secrets.Operate, HttpStatusCode.Forbidden),
            ("/link", _run.Secrets.Join, HttpStatusCode.UpgradeRequired),
            ("/no-such-path", _run.Secrets.View, HttpStatusCode.NotFound),
        ];
        foreach ((string path, Token token, HttpStatusCode answer) in cases)
        {
            Assert.Equal(answer, await AskAsync("GET", path, token.Secret));
            Assert.Equal(answer, await AskAsync("GET", path, token.ToText()));
        }
    }

    [Theory]
    [InlineData("0.0.9", "n")]
    [InlineData(ServedRun.Version, "other bits")]
    public async Task OtherVersionOrArithmetic_IsRefusedWithTheReason(string version, string numerics)
    {
        await using RemoteWorker worker = _run.Worker(_jobs, version, numerics);
        WorkerOrder.Exit exit = await worker.Ended.WaitAsync(s_patience);
        Assert.Equal(WorkerOutcome.VersionMismatch, exit.Outcome);
        Assert.Contains(version == ServedRun.Version ? numerics : version, exit.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OtherLinkVersion_IsToldWhichOneIsSpoken()
    {
        string answer = await UpgradeAsync($"{LinkClient.Protocol}/1");
        Assert.StartsWith("HTTP/1.1 426", answer, StringComparison.Ordinal);
        Assert.Contains($"Upgrade: {Protocol}", answer, StringComparison.Ordinal);
    }

    /// <summary>
    /// Goal: strangers cost themselves only. Method: 1,000 connections that say nothing, or half a request, or garbage
    /// behind the upgrade; then a worker joins as if they were not there, and they are cut off.
    /// </summary>
    [Fact]
    public async Task ThousandConnections_CostOnlyThemselves()
    {
        List<Socket> strangers = [];
        byte[] half = Encoding.ASCII.GetBytes("GET /link HTTP/1.1\r\nHost: x\r\nX: ");
        try
        {
            for (int i = 0; i < 1000; i++)
            {
                Socket socket = await _run.ConnectAsync();
                strangers.Add(socket);
                if (i % 2 == 0)
                {
                    await socket.SendAsync(half);
                }
            }

            Socket garbage = await LinkSocketAsync();
            strangers.Add(garbage);
            await garbage.SendAsync(new byte[64]);
            Socket silent = await LinkSocketAsync();
            strangers.Add(silent);

            await JoinsAsync();
            Assert.True(await EndsAsync(garbage));
            Assert.True(await EndsAsync(silent));
            Assert.True(await EndsAsync(strangers[0])); // Half a request: the time for headers is over.
            await JoinsAsync();
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task TakenPort_IsAFault()
    {
        int port = _run.Server.Address.Port;
        ListenAddress asked = new(IPAddress.Loopback, port);
        ConfigurationException fault = await Assert.ThrowsAsync<ConfigurationException>(() => LinkServer.StartAsync(
            asked, _run.Host, _run.Secrets, new LinkOptions(), TimeProvider.System));
        Assert.Contains("taken", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:5500", "127.0.0.1")]
    [InlineData("localhost:0", "127.0.0.1")]
    [InlineData("[::1]:80", "::1")]
    [InlineData("*:5500", "::")]
    [InlineData("0.0.0.0:1", "0.0.0.0")]
    [InlineData("5500", null)]
    [InlineData("example.org:80", null)]
    [InlineData("127.0.0.1:70000", null)]
    [InlineData(":80", null)]
    [InlineData("1:2", null)]
    public void ListenAddress_IsReadStrictly(string text, string? address) =>
        Assert.Equal(address, ListenAddress.Parse(text)?.Address.ToString());

    private async Task JoinsAsync()
    {
        await using (RemoteWorker worker = _run.Worker(_jobs))
        {
            await RunningProgram.Until(() => Task.FromResult(_run.Host.WorkersReady == 1), "a worker");
            worker.Drain();
            await worker.Ended.WaitAsync(s_patience);
        }

        await RunningProgram.Until(() => Task.FromResult(_run.Host.WorkersReady == 0), "no worker");
    }

    private async Task<HttpStatusCode> AskAsync(string verb, string path, string token)
    {
        using HttpRequestMessage request = new(new HttpMethod(verb), new Uri(_run.Server.Address, path));
        if (token.Length > 0)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using HttpResponseMessage answer = await _http.SendAsync(request);
        return answer.StatusCode;
    }

    private async Task<string> UpgradeAsync(string protocol, Socket? socket = null)
    {
        using Socket? own = socket is null ? await _run.ConnectAsync() : null;
        Socket used = socket ?? own!;
        await used.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n"
            + $"Authorization: Bearer {_run.Secrets.Join.Secret}\r\n\r\n"));
        byte[] answer = new byte[4096];
        return Encoding.ASCII.GetString(answer, 0, await used.ReceiveAsync(answer));
    }

    private async Task<Socket> LinkSocketAsync()
    {
        Socket socket = await _run.ConnectAsync();
        Assert.StartsWith("HTTP/1.1 101", await UpgradeAsync(Protocol, socket), StringComparison.Ordinal);
        return socket;
    }

    /// <summary>Whether the other end closes, whatever it says before.</summary>
    private static async Task<bool> EndsAsync(Socket socket)
    {
        using CancellationTokenSource timeout = new(s_patience);
        byte[] bytes = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(bytes, timeout.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            return true;
        }

        return true;
    }
}
