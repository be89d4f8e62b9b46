using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Distributed.Protocol.Cluster;

/// <summary>Addresses of this machine.</summary>
public static class LocalAddress
{
    /// <summary>What a listener can be called: for a wildcard, the first address that is no loopback.</summary>
    public static IPAddress Of(IPAddress listen)
    {
        if (!listen.Equals(IPAddress.Any) && !listen.Equals(IPAddress.IPv6Any))
        {
            return listen;
        }

        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .FirstOrDefault(
                address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address),
                IPAddress.Loopback);
    }

    /// <summary>The address from which this machine reaches another. No packet is sent.</summary>
    /// <exception cref="SocketException">The name is not known, or there is no way.</exception>
    public static IPAddress Towards(HostPort other)
    {
        IPAddress target = IPAddress.TryParse(other.Host, out IPAddress? address)
            ? address
            : Dns.GetHostAddresses(other.Host)[0];
        using Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(target, other.Port);
        return ((IPEndPoint)socket.LocalEndPoint!).Address;
    }
}
