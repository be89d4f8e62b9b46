using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Link;

/// <summary>Makes links from a worker to a coordinator in another process.</summary>
/// <remarks>
/// The certificate is checked in the TLS handshake, so before the request with the secret is written: with a pin, the
/// key's hash alone decides; without one, chain, name and dates. No proxy, no redirection: the secret goes to the
/// address that the user named, or nowhere.
/// </remarks>
public sealed class LinkClient : IAsyncDisposable
{
    /// <summary>The path of links.</summary>
    public const string Path = "/link";

    /// <summary>What a connection is upgraded to, in both requests and answers.</summary>
    public const string Protocol = "distributed-link";

    /// <summary>The version behind <see cref="Protocol"/>.</summary>
    public const string ProtocolVersion = "2";

    private readonly Uri _address;
    private readonly Token _token;
    private readonly LinkOptions _options;
    private readonly TimeProvider _clock;
    private readonly HttpMessageInvoker _client;
    private readonly Lock _lock = new();
    private readonly List<Task> _links = [];
    private string? _certificateFault;

    /// <summary>A client for one coordinator.</summary>
    /// <param name="coordinator">Its address: https, or http on loopback.</param>
    /// <param name="token">Lets this worker in.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <exception cref="AccessException">The address is not one to send a secret to.</exception>
    public LinkClient(Uri coordinator, Token token, LinkOptions options, TimeProvider clock)
    {
        bool isPlain = coordinator.Scheme == Uri.UriSchemeHttp;
        if ((!isPlain && coordinator.Scheme != Uri.UriSchemeHttps) || coordinator.UserInfo.Length > 0
            || coordinator.PathAndQuery.Length > 1 || coordinator.Fragment.Length > 0)
        {
            throw new AccessException(
                "The coordinator's address is not of the form https://HOST:PORT.", "Copy it from the coordinator.");
        }

        if (isPlain && !coordinator.IsLoopback)
        {
            throw new AccessException(
                $"{coordinator.GetLeftPart(UriPartial.Authority)} is not on this machine: "
                + "over plain http anybody on the way could read the token.",
                "Use https://; the coordinator listens with TLS on every address but loopback.");
        }

        _address = new Uri(coordinator, Path);
        _token = token;
        _options = options;
        _clock = clock;
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 16,
            ConnectCallback = ConnectAsync,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = IsTrusted },
        });
    }

    /// <summary>Begins to connect; the endpoint hears of messages and of the end.</summary>
    /// <exception cref="IOException">The coordinator cannot be reached now.</exception>
    /// <exception cref="LinkRefusedException">It will never let this process in.</exception>
    public async Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        timeout.CancelAfter(_options.ConnectMax);
        Stream stream;
        try
        {
            stream = await UpgradeAsync(timeout.Token);
        }
        catch (HttpRequestException exception)
        {
            bool isCertificate = exception.InnerException is AuthenticationException && _certificateFault is not null;
            throw isCertificate
                ? new LinkRefusedException(Refusal.Unauthorized, _certificateFault!, exception)
                : new IOException($"{_address.Authority}: {Innermost(exception).Message}", exception);
        }
        catch (OperationCanceledException exception) when (!stopping.IsCancellationRequested)
        {
            throw new IOException(
                $"{_address.Authority} did not answer within {_options.ConnectMax.TotalSeconds:0.#} s", exception);
        }

        CoordinatorLink link = new(stream, endpoint, _options, _clock);
        lock (_lock)
        {
            _links.RemoveAll(task => task.IsCompleted);
            _links.Add(Task.Run(link.RunAsync, CancellationToken.None));
        }

        return link;
    }

    /// <summary>Waits until what links still have to say is said, and not long.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] links;
        lock (_lock)
        {
            links = [.. _links];
        }

        await Task.WhenAny(Task.WhenAll(links), Task.Delay(_options.CloseMax * 2, _clock));
        _client.Dispose();
    }

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, CancellationToken stopping)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, stopping);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Exception Innermost(Exception exception) =>
        exception.InnerException is { } inner ? Innermost(inner) : exception;

    private async Task<Stream> UpgradeAsync(CancellationToken stopping)
    {
        HttpRequestMessage request = new(HttpMethod.Get, _address)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue(Protocol, ProtocolVersion));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token.Secret);
        HttpResponseMessage response = await _client.SendAsync(request, stopping);
        if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            return await response.Content.ReadAsStreamAsync(stopping);
        }

        using (response)
        {
            throw response.StatusCode switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new LinkRefusedException(
                    Refusal.Unauthorized, $"{_address.Authority} does not accept this token"),
                HttpStatusCode.UpgradeRequired => new LinkRefusedException(
                    Refusal.Version, $"{_address.Authority} speaks {response.Headers.Upgrade}, not version "
                    + $"{ProtocolVersion} of {Protocol}"),
                _ => new IOException($"{_address.Authority} answers {(int)response.StatusCode}"),
            };
        }
    }

    /// <summary>
    /// What is wrong with name and chain: expired, not issued by anybody who is known here, and so on.
    /// </summary>
    private static string Why(SslPolicyErrors errors, X509Chain? chain) =>
        string.Join(", ", [errors.ToString(), .. chain?.ChainStatus.Select(status => status.Status.ToString()) ?? []]);

    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        _certificateFault = null;
        if (certificate is not X509Certificate2 shown)
        {
            _certificateFault = $"{_address.Authority} shows no certificate";
        }
        else if (_token.Pin is { } pin)
        {
            _certificateFault = Certificates.Pin(shown) == pin
                ? null
                : $"{_address.Authority} shows another key than the token names: "
                    + "it is not the coordinator of this token";
        }
        else if (errors != SslPolicyErrors.None)
        {
            _certificateFault = $"The certificate of {_address.Authority} is not trusted here ({Why(errors, chain)}), "
                + "and the token names no key";
        }

        return _certificateFault is null;
    }
}
