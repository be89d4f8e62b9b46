using System.Net;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Cluster;

public sealed class AddressTests
{
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

    [Theory]
    [InlineData("trainer:5500", "trainer", 5500)]
    [InlineData("a-b.example.org:1", "a-b.example.org", 1)]
    [InlineData("192.0.2.1:65535", "192.0.2.1", 65535)]
    [InlineData("[2001:db8::1]:80", "2001:db8::1", 80)]
    public void HostPort_IsReadAndGivenBack(string text, string host, int port)
    {
        Assert.Equal(new HostPort(host, port), HostPort.Parse(text));
        Assert.Equal(text, HostPort.Parse(text)!.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("trainer")]
    [InlineData(":80")]
    [InlineData("trainer:")]
    [InlineData("trainer:0")]
    [InlineData("trainer:65536")]
    [InlineData("trainer: 80")]
    [InlineData("trainer:+80")]
    [InlineData("trainer:80/")]
    [InlineData("http://trainer:80")]
    [InlineData("two words:80")]
    [InlineData("1:80")]
    [InlineData("1.2.3:80")]
    [InlineData("1.2.3.256:80")]
    [InlineData("2001:db8::1:80")]
    [InlineData("[trainer]:80")]
    [InlineData("[192.0.2.1]:80")]
    [InlineData("a\nb:80")]
    public void HostPort_OfAnythingElse_IsNull(string text) => Assert.Null(HostPort.Parse(text));

    [Fact]
    public void HostPort_OfAnIPv4AddressWithinIPv6_IsIPv4()
    {
        Assert.Equal("192.0.2.1:7", HostPort.Of(new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.1"), 7)).ToString());
        Assert.Equal("[::1]:7", HostPort.Of(new IPEndPoint(IPAddress.IPv6Loopback, 7)).ToString());
    }
}
