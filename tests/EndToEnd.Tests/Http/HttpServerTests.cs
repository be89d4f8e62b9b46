using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Distributed.Coordinator.Http;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;

namespace Distributed.EndToEnd.Tests.Http;

/// <summary>Who gets what at the port of <c>--http</c>.</summary>
public sealed class HttpServerTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-http-").FullName;
    private readonly HttpClient _http = new();
    private SecretsFolder _secrets = null!;
    private HttpServer _server = null!;
    private volatile string? _notReady = "this is a standby";

    public async Task InitializeAsync()
    {
        _secrets = SecretsFolder.Open(Path.Combine(_folder, "secrets"), null, DateTimeOffset.UtcNow);
        _server = await StartAsync(IPAddress.Loopback);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _http.Dispose();
        _secrets.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task HealthAndReadiness_AnswerAnybody_WithTheReason()
    {
        Assert.Equal($"Health and metrics: http://127.0.0.1:{_server.Address.Port}", _server.Line);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "this is a standby\n"), await GetAsync("/readyz"));
        _notReady = null;
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync("/readyz"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await AskAsync("POST", "/healthz", ""));
    }

    [Fact]
    public async Task EveryOtherPathAndVerb_Is401WithoutAToken()
    {
        string[] paths =
        [
            "/metrics", "/metrics/", "/METRICS", "/", "/no-such-path", "/healthz/", "/healthz/x", "/readyz/../metrics",
            $"/metrics?token={_secrets.View.Secret}",
        ];
        foreach (string path in paths)
        {
            foreach (string verb in new[] { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "X" })
            {
                foreach (string token in new[] { "", "x", _secrets.View.Secret + "x", "::" })
                {
                    Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(verb, path, token));
                }
            }
        }
    }

    [Fact]
    public async Task ViewToken_OpensMetrics_AndTheWorkersTokenDoesNot()
    {
        foreach (string view in new[] { _secrets.View.Secret, _secrets.View.ToText() })
        {
            Assert.Equal(HttpStatusCode.OK, await AskAsync("GET", "/metrics", view));
            Assert.Equal(HttpStatusCode.NotFound, await AskAsync("GET", "/no-such-path", view));
        }

        foreach (string join in new[] { _secrets.Join.Secret, _secrets.Join.ToText() })
        {
            Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("GET", "/metrics", join));
        }
    }

    /// <summary>Goal: HTTPS with the coordinator's key, and nothing else, where others may listen in.</summary>
    [FactWith(Need.OwnAddress)]
    public async Task OffLoopback_SpeaksHttpsWithTheCoordinatorsKey()
    {
        IPAddress own = Needs.OwnAddress()!;
        await using HttpServer server = await StartAsync(own);
        Assert.Equal($"https://{own}:{server.Address.Port}/", server.Address.ToString());
        string? shown = null;
        using HttpClient client = new(new SocketsHttpHandler
        {
            SslOptions =
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    (shown = certificate!.GetPublicKeyString()) is not null,
            },
        });
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri(server.Address, "/healthz")));
        Assert.Equal(_secrets.Certificate.GetPublicKeyString(), shown);
        await Assert.ThrowsAsync<HttpRequestException>(
            () => client.GetStringAsync($"http://{own}:{server.Address.Port}/healthz"));
    }

    [Fact]
    public async Task TakenPort_OrForeignAddress_IsAFaultThatNamesTheOption()
    {
        int port = _server.Address.Port;
        ConfigurationException taken = await Assert.ThrowsAsync<ConfigurationException>(
            () => HttpServer.StartAsync(new ListenAddress(IPAddress.Loopback, port), _secrets, () => null));
        Assert.Equal($"--http 127.0.0.1:{port}: the port is taken.", taken.CommandLine.Cause);
        ConfigurationException foreign = await Assert.ThrowsAsync<ConfigurationException>(
            () => HttpServer.StartAsync(new ListenAddress(IPAddress.Parse("203.0.113.7"), 0), _secrets, () => null));
        Assert.StartsWith("--http 203.0.113.7:0: ", foreign.CommandLine.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Strangers_AreCutOff_AndCostNobodyElse()
    {
        List<Socket> strangers = [];
        byte[] half = Encoding.ASCII.GetBytes("GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
        try
        {
            for (int i = 0; i < 200; i++)
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                strangers.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, _server.Address.Port);
                if (i % 2 == 0)
                {
                    await socket.SendAsync(half);
                }
            }

            Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
            await EndsAsync(strangers[0]); // Half a request: the time for headers is over.
            await strangers[1].SendAsync(new byte[20 << 10]);
            await EndsAsync(strangers[1]);
            Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
    }

    private Task<HttpServer> StartAsync(IPAddress address) =>
        HttpServer.StartAsync(new ListenAddress(address, 0), _secrets, () => _notReady);

    private async Task<(HttpStatusCode Code, string Text)> GetAsync(string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri(_server.Address, path));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpStatusCode> AskAsync(string verb, string path, string token)
    {
        using HttpRequestMessage request = new(new HttpMethod(verb), new Uri(_server.Address, path));
        if (token.Length > 0)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using HttpResponseMessage answer = await _http.SendAsync(request);
        return answer.StatusCode;
    }

    /// <summary>Waits until the other end closes, whatever it says before.</summary>
    private static async Task EndsAsync(Socket socket)
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
            // Closed with a reset.
        }
    }
}
