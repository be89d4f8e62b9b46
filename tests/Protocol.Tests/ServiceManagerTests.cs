using System.Net.Sockets;
using System.Text;

namespace Distributed.Protocol.Tests;

/// <summary>What the service manager is told, by a socket that is read, and by one that is not.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-notify-").FullName;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public ServiceManagerTests()
    {
        _socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder, "notify")));
        _socket.ReceiveTimeout = 30_000;
    }

    public void Dispose()
    {
        _socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [FactWith(Need.Unix)]
    public void Lines_AreTold()
    {
        using ServiceManager service = new(Path.Combine(_folder, "notify"), limit: null);
        service.Ready("one\ntwo");
        service.Stopping();
        Assert.True(service.IsThere);
        Assert.Equal("READY=1\nSTATUS=one two", Receive());
        Assert.Equal("STOPPING=1", Receive());
    }

    /// <summary>
    /// Goal: a service manager that is stuck holds nobody up. Method: signs of life until the socket has no room, with
    /// nobody who reads; then the end, and what the socket had room for is what was told.
    /// </summary>
    [FactWith(Need.Unix)]
    public async Task SocketThatNobodyReads_HoldsNobodyUp()
    {
        ServiceManager service = new(Path.Combine(_folder, "notify"), TimeSpan.FromMilliseconds(2));
        while (IsThereRoom())
        {
            await Task.Delay(10);
        }

        await Task.Delay(50);
        await Task.Run(() =>
        {
            service.Ready("somebody");
            service.Stopping();
            service.Dispose();
        }).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("WATCHDOG=1", Receive());
    }

    [Fact]
    public void WithoutASocket_NobodyIsTold()
    {
        using ServiceManager service = new(Path.Combine(_folder, "nobody"), TimeSpan.FromSeconds(1));
        Assert.False(service.IsThere);
        service.Ready("nobody");
    }

    /// <summary>By another socket: the manager's own is not asked.</summary>
    private bool IsThereRoom()
    {
        using Socket other = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        other.Connect(new UnixDomainSocketEndPoint(Path.Combine(_folder, "notify")));
        return other.Poll(TimeSpan.Zero, SelectMode.SelectWrite);
    }

    private string Receive()
    {
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
    }
}
