using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Distributed.Coordinator.Http;

/// <summary>What <c>--http</c> opens: <c>/healthz</c>, <c>/readyz</c> for anybody, <c>/metrics</c> by token.</summary>
/// <remarks>
/// It belongs to the process, not to a run. Plain HTTP on loopback, HTTPS with the coordinator's key elsewhere. All
/// other paths answer 401 without a token. What one connection can cost is bounded.
/// </remarks>
public sealed class HttpServer : IAsyncDisposable
{
    private const int ConnectionsMax = 2000;
    private const int HeadersBytesMax = 16 << 10;
    private const int BufferBytesMax = 1 << 20;
    private static readonly TimeSpan s_headersMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_idleMax = TimeSpan.FromSeconds(30);

    private readonly WebApplication _application;
    private readonly MeterProvider _metrics;

    private HttpServer(WebApplication application, MeterProvider metrics) =>
        (_application, _metrics) = (application, metrics);

    /// <summary>Scheme, host and port.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The address in a line for people.</summary>
    public string Line => $"Health and metrics: {Address.GetLeftPart(UriPartial.Authority)}";

    /// <summary>Begins to listen.</summary>
    /// <param name="listen">Where.</param>
    /// <param name="secrets">The view token and the key; the caller disposes of them, after this.</param>
    /// <param name="notReady">Why this process trains nothing now; null if it does. Any thread.</param>
    /// <exception cref="ConfigurationException">The port is taken, or the address is not this machine's.</exception>
    public static async Task<HttpServer> StartAsync(ListenAddress listen, SecretsFolder secrets, Func<string?> notReady)
    {
        bool isPlain = IPAddress.IsLoopback(listen.Address);
        MeterProvider metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services =>
                services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())) // Not from OTEL_ variables.
            .AddMeter(RunMetrics.MeterName)
            .AddPrometheusExporter(options =>
            {
                options.ScopeInfoEnabled = false;
                options.TargetInfoEnabled = false;
            })
            .Build();
        ProtocolMetrics.ShowZeros();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Limit(kestrel.Limits);
            kestrel.Listen(listen.Address, listen.Port, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                if (!isPlain)
                {
                    endpoint.UseHttps(secrets.Certificate, https => https.HandshakeTimeout = s_headersMax);
                }
            });
        });
        HttpServer server = new(builder.Build(), metrics);
        server.Map(secrets, notReady);
        try
        {
            await server._application.StartAsync();
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            if (exception is not (IOException or SocketException))
            {
                throw;
            }

            string why = exception.InnerException is AddressInUseException ? "the port is taken" : exception.Message;
            throw new ConfigurationException(
                $"--http {new IPEndPoint(listen.Address, listen.Port)}: {why}.",
                "Give a free port of an address that this machine has.",
                exception);
        }

        int bound = new Uri(server._application.Urls.First()).Port;
        server.Address = new UriBuilder(isPlain ? "http" : "https", HostName(listen.Address), bound).Uri;
        return server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource soon = new(TimeSpan.FromSeconds(1));
        await _application.StopAsync(soon.Token);
        await _application.DisposeAsync();
        _metrics.Dispose();
    }

    private static string HostName(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? Environment.MachineName
        : address.ToString();

    private static void Limit(KestrelServerLimits limits)
    {
        limits.MaxConcurrentConnections = ConnectionsMax;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.MaxRequestHeadersTotalSize = HeadersBytesMax;
        limits.MaxRequestBodySize = 0;
        limits.RequestHeadersTimeout = s_headersMax;
        limits.KeepAliveTimeout = s_idleMax;
        limits.MaxRequestBufferSize = BufferBytesMax;
        limits.MaxResponseBufferSize = BufferBytesMax;
    }

    /// <summary>401 without a token, so that nobody learns which paths exist; 403 for the workers' token.</summary>
    private static int Judge(HttpRequest request, SecretsFolder secrets)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out AuthenticationHeaderValue? header)
            || !header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            || header.Parameter is not { Length: > 0 } given)
        {
            return StatusCodes.Status401Unauthorized;
        }

        // A token's file holds HASH::SECRET; the hash is for the sender, and does no harm here.
        string secret = given[(given.LastIndexOf(':') + 1)..];

        // Both are compared, so that the time does not tell which one was nearly right.
        bool mayView = secrets.View.Accepts(secret);
        bool mayJoin = secrets.Join.Accepts(secret);
        return mayView ? StatusCodes.Status200OK
            : mayJoin ? StatusCodes.Status403Forbidden
            : StatusCodes.Status401Unauthorized;
    }

    private void Map(SecretsFolder secrets, Func<string?> notReady)
    {
        _application.Use(async (context, next) =>
        {
            int verdict = context.Request.Path.Value is "/healthz" or "/readyz"
                ? StatusCodes.Status200OK
                : Judge(context.Request, secrets);
            if (verdict == StatusCodes.Status200OK)
            {
                await next(context);
                return;
            }

            context.Response.StatusCode = verdict;
            context.Response.Headers.WWWAuthenticate = "Bearer";
        });
        _application.UseRouting();
        _application.MapGet("/healthz", () => Results.Text("ok\n"));
        _application.MapGet("/readyz", () => notReady() is { } why
            ? Results.Text(why + "\n", statusCode: StatusCodes.Status503ServiceUnavailable)
            : Results.Text("ready\n"));
        _application.MapPrometheusScrapingEndpoint(
            "/metrics", _metrics, configureBranchedPipeline: null, optionsName: null);
    }

    /// <summary>Signals are the program's business.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
