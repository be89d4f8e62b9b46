using System.Net;

namespace Distributed.Protocol.Cluster;

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
