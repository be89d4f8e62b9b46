using System.Net;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using LinkOptions = Distributed.Protocol.Link.LinkOptions;

namespace Distributed.Coordinator.Http;

/// <summary>Where to listen.</summary>
/// <param name="Address">An address of this machine, or any.</param>
/// <param name="Port">0 for any free one.</param>
public sealed record ListenAddress(IPAddress Address, int Port)
{
    /// <summary>Reads HOST:PORT; null if it is something else. HOST: an IP address, localhost, or * for any.</summary>
    public static ListenAddress? Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], out ushort port))
        {
            return null;
        }

        string host = text[..colon];
        return host switch
        {
            "localhost" => new ListenAddress(IPAddress.Loopback, port),
            "*" => new ListenAddress(IPAddress.IPv6Any, port),
            _ when IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address)
                && (host.Contains(':') || host.Count(character => character == '.') == 3) =>
                new ListenAddress(address, port),
            _ => null,
        };
    }
}

/// <summary>The coordinator's one port: links of workers, health, metrics.</summary>
/// <remarks>
/// Plain HTTP on loopback, TLS elsewhere. Nobody gets past the gate without a token but to the health paths. What one
/// connection can cost is bounded: headers, the time for them, the number of connections and of links.
/// </remarks>
public sealed class LinkServer : IAsyncDisposable
{
    private const int ConnectionsMax = 2000;
    private const int LinksMax = 1024;
    private const int HeadersBytesMax = 16 << 10;
    private static readonly TimeSpan s_headersMax = TimeSpan.FromSeconds(5);

    private static readonly HashSet<string> s_open = ["/healthz", "/readyz"];
    private static readonly Dictionary<string, AccessRights> s_rights = new(StringComparer.OrdinalIgnoreCase)
    {
        [LinkClient.Path] = AccessRights.Join,
        ["/metrics"] = AccessRights.View,
    };

    private readonly ILinkHost _host;
    private readonly SecretsFolder _secrets;
    private readonly LinkOptions _options;
    private readonly TimeProvider _clock;
    private readonly MetricsText _metrics = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _links = [];
    private WebApplication? _application;

    private LinkServer(ILinkHost host, SecretsFolder secrets, LinkOptions options, TimeProvider clock)
    {
        _host = host;
        _secrets = secrets;
        _options = options;
        _clock = clock;
    }

    /// <summary>What to tell workers: scheme, host and port.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The paths that are served.</summary>
    public IReadOnlyList<string> Paths => [.. _application!.Services.GetServices<EndpointDataSource>()
        .SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Select(route => route.RoutePattern.RawText!)];

    /// <summary>Begins to listen.</summary>
    /// <param name="listen">Where.</param>
    /// <param name="host">Gets the workers.</param>
    /// <param name="secrets">Tokens and certificate; the caller disposes of them.</param>
    /// <param name="options">Bounds of links.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <exception cref="ConfigurationException">The port is taken, or the address is not this machine's.</exception>
    public static async Task<LinkServer> StartAsync(
        ListenAddress listen, ILinkHost host, SecretsFolder secrets, LinkOptions options, TimeProvider clock)
    {
        LinkServer server = new(host, secrets, options, clock);
        try
        {
            await server.ListenAsync(listen.Address, listen.Port);
            return server;
        }
        catch (IOException exception)
        {
            bool isTaken = exception.InnerException is AddressInUseException;
            throw new ConfigurationException(
                $"--listen {listen.Address}:{listen.Port}: {(isTaken ? "the port is taken" : exception.Message)}.",
                "Choose another port, or end the program that has it.",
                exception);
        }
    }

    /// <summary>Ends: links say what they still have to say, and not for long.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] links;
        lock (_lock)
        {
            links = [.. _links];
        }

        await Task.WhenAny(Task.WhenAll(links), Task.Delay(_options.CloseMax * 2, _clock));
        if (_application is { } application)
        {
            using CancellationTokenSource now = new(TimeSpan.FromSeconds(1));
            await application.StopAsync(now.Token);
            await application.DisposeAsync();
        }

        _metrics.Dispose();
    }

    private static string HostName(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? Environment.MachineName
        : address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]"
        : address.ToString();

    private async Task ListenAsync(IPAddress address, int port)
    {
        bool isPlain = IPAddress.IsLoopback(address);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            KestrelServerLimits limits = kestrel.Limits;
            limits.MaxConcurrentConnections = ConnectionsMax;
            limits.MaxConcurrentUpgradedConnections = LinksMax;
            limits.MaxRequestHeadersTotalSize = HeadersBytesMax;
            limits.MaxRequestBodySize = 0;
            limits.RequestHeadersTimeout = s_headersMax;
            limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
            limits.MaxRequestBufferSize = 1 << 20;
            limits.MaxResponseBufferSize = 1 << 20;
            kestrel.Listen(address, port, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                if (!isPlain)
                {
                    endpoint.UseHttps(_secrets.Certificate, https => https.HandshakeTimeout = s_headersMax);
                }
            });
        });
        WebApplication application = builder.Build();
        application.Use(new AccessGate(_secrets, s_open, s_rights).InvokeAsync);
        application.UseRouting();
        application.MapGet("/healthz", () => Results.Text("ok\n"));
        application.MapGet("/readyz", () => _host.WorkersReady > 0
            ? Results.Text("ready\n")
            : Results.Text("waiting for workers\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        application.MapGet("/metrics", () => Results.Text(_metrics.Write(), "text/plain; version=0.0.4"));
        application.MapGet(LinkClient.Path, TakeLinkAsync);
        try
        {
            await application.StartAsync();
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        _application = application;
        int bound = new Uri(application.Urls.First()).Port;
        Address = new Uri($"{(isPlain ? "http" : "https")}://{HostName(address)}:{bound}");
    }

    /// <summary>Turns a request into a link and stays until that is over.</summary>
    private async Task TakeLinkAsync(HttpContext context)
    {
        const string Wanted = $"{LinkClient.Protocol}/{LinkClient.ProtocolVersion}";
        IHttpUpgradeFeature? upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true } || context.Request.Headers.Upgrade != Wanted)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = Wanted;
            return;
        }

        context.Response.Headers.Upgrade = Wanted;
        Stream stream = await upgrade.UpgradeAsync();
        WorkerLink link = new(stream, _host, _host.NextSessionId(), _options, _clock, _host.Traffic);
        _host.Attach(link.Id, link);
        Task run = link.RunAsync();
        lock (_lock)
        {
            _links.RemoveAll(task => task.IsCompleted);
            _links.Add(run);
        }

        try
        {
            await run;
        }
        catch (Exception exception)
        {
            // Not the peer's doing: RunAsync lets only our own mistakes through.
            _host.Fail(exception);
        }
        finally
        {
            context.Abort();
        }
    }

    /// <summary>Signals are the program's business.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
