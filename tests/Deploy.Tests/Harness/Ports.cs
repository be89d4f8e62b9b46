using System.Net;
using System.Net.Sockets;

namespace Distributed.Deploy.Tests.Harness;

/// <summary>Ports of this machine that nobody uses.</summary>
internal static class Ports
{
    private const int Count = 20;

    /// <summary>The first of twenty that are free together, below those that the system gives away.</summary>
    public static int Block()
    {
#pragma warning disable CA5394 // Not a secret.
        while (true)
        {
            int first = 20_000 + (Count * Random.Shared.Next(500));
            if (Enumerable.Range(first, Count).All(IsFree))
            {
                return first;
            }
        }
#pragma warning restore CA5394
    }

    private static bool IsFree(int port)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
