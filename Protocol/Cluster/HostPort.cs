using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Distributed.Protocol.Cluster;

/// <summary>Whom to call: a name or an IP address, and a port.</summary>
/// <param name="Host">As it was written; IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
public sealed record HostPort(string Host, int Port)
{
    private const int HostMax = 253;

    /// <summary>An address in its usual form; IPv4 that came in IPv6's clothes is IPv4.</summary>
    public static HostPort Of(IPEndPoint address) => new(Plain(address.Address).ToString(), address.Port);

    /// <summary>Reads NAME:PORT, IPV4:PORT or [IPV6]:PORT; null if it is something else.</summary>
    public static HostPort? Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || port == 0)
        {
            return null;
        }

        string host = text[..colon];
        return host is ['[', .. var inner, ']']
            ? inner.Contains(':') && IPAddress.TryParse(inner, out _) ? new HostPort(inner, port) : null
            : IsName(host) || IsIPv4(host) ? new HostPort(host, port) : null;
    }

    /// <summary>Reads one or several with commas between them; null if any is something else.</summary>
    public static HostPort[]? ParseList(string text)
    {
        string[] parts = text.Split(',');
        HostPort[] addresses = [.. parts.Select(Parse).OfType<HostPort>()];
        return addresses.Length == parts.Length ? addresses : null;
    }

    /// <summary>As it is read.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");

    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>What has a letter; digits and dots alone are an address, or a mistake.</summary>
    private static bool IsName(string host) => host.Length <= HostMax && host.Any(char.IsAsciiLetter)
        && host.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_');

    private static bool IsIPv4(string host) => host.Count(character => character == '.') == 3
        && IPAddress.TryParse(host, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork;
}
