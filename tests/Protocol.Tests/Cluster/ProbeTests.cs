using System.Net;
using System.Text;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Tests.Cluster;

/// <summary>What is said before versions are known to be the same: these bytes never change.</summary>
public sealed class ProbeTests
{
    private const string Question =
        "role=worker\nversion=1.2.3\nnumerics=f00\nname=beta\nadvertise=[2001:db8::1]:5501\n\n";

    private const string Answer = "verdict=numerics\nreason=other bits\nversion=1.2.3\nholder=yes\ncluster=c1\nterm=7\n"
        + "address=trainer:5500\ncoordinators=trainer:5500,192.0.2.1:5500\ndialled=yes\nyou=192.0.2.7:40000\n\n";

    private static readonly ProbeQuestion s_question = new()
    {
        Role = ProbeRole.Worker,
        Version = "1.2.3",
        Numerics = "f00",
        Name = "beta",
        Advertise = HostPort.Parse("[2001:db8::1]:5501"),
    };

    private static readonly ProbeAnswer s_answer = new()
    {
        Verdict = ProbeVerdict.Numerics,
        Reason = "other bits",
        Version = "1.2.3",
        IsHolder = true,
        ClusterId = "c1",
        Term = new Term(7),
        Address = new HostPort("trainer", 5500),
        Coordinators = [new HostPort("trainer", 5500), new HostPort("192.0.2.1", 5500)],
        IsDialled = true,
        You = IPEndPoint.Parse("192.0.2.7:40000"),
    };

    [Fact]
    public void Preambles_AreTheirBytes()
    {
        Assert.Equal("PROB"u8, Connection.Preamble(ConnectionKind.Probe, default));
        Assert.Equal("AKKA"u8, Connection.Preamble(ConnectionKind.Akka, default));
        byte[] channel = Connection.Preamble(ConnectionKind.Channel, TestListener.Pass);
        Assert.Equal("CHAN"u8, channel.AsSpan(0, 4));
        Assert.Equal(TestListener.Pass, channel[4..]);
        foreach (ConnectionKind kind in Enum.GetValues<ConnectionKind>())
        {
            byte[] pass = kind == ConnectionKind.Channel ? TestListener.Pass : [];
            Assert.Equal(kind, Connection.ReadKind(new MemoryStream(Connection.Preamble(kind, pass))));
        }

        Assert.Throws<ProtocolException>(() => Connection.ReadKind(new MemoryStream("GET "u8.ToArray())));
    }

    [Fact]
    public void Question_IsItsBytes_ThereAndBack()
    {
        Assert.Equal(Question, Encoding.ASCII.GetString(s_question.ToBytes()));
        Assert.Equal(s_question, ProbeQuestion.Parse(Read(Question)));
        Assert.Equal("role=tool\n\n", Encoding.ASCII.GetString(new ProbeQuestion { Role = ProbeRole.Tool }.ToBytes()));
        Assert.Equal(new ProbeQuestion { Role = ProbeRole.Tool }, ProbeQuestion.Parse(Read("\n\n")));
    }

    [Fact]
    public void Answer_IsItsBytes_ThereAndBack()
    {
        Assert.Equal(Answer, Encoding.ASCII.GetString(s_answer.ToBytes()));
        ProbeAnswer read = ProbeAnswer.Parse(Read(Answer));
        Assert.Equal(s_answer.Coordinators, read.Coordinators);
        Assert.Equal(s_answer, read with { Coordinators = s_answer.Coordinators });
        Assert.Equal(
            "verdict=ok\nholder=no\nterm=0\ndialled=no\n\n",
            Encoding.ASCII.GetString(new ProbeAnswer { Verdict = ProbeVerdict.Ok }.ToBytes()));
    }

    /// <summary>Later versions may say more, and what is unknown here.</summary>
    [Fact]
    public void WhatIsUnknown_IsPassedOver()
    {
        ProbeQuestion question = ProbeQuestion.Parse(Read("shoe=44\nrole=observer\nversion=9\nadvertise=nonsense\n\n"));
        Assert.Equal(new ProbeQuestion { Role = ProbeRole.Tool, Version = "9" }, question);
        ProbeAnswer answer = ProbeAnswer.Parse(
            Read("verdict=tired\nreason=go away\nterm=-1\nyou=x\naddress=:\ncoordinators=,a:1,;\n\nmore"));
        Assert.Equal((ProbeVerdict.Other, "go away", new Term(0)), (answer.Verdict, answer.Reason, answer.Term));
        Assert.Equal([new HostPort("a", 1)], answer.Coordinators);
        Assert.Equal((null, null), (answer.You, answer.Address));
    }

    [Theory]
    [InlineData("role\n\n")]
    [InlineData("=worker\n\n")]
    [InlineData("role=worker\nrole=tool\n\n")]
    [InlineData("name=\u0007\n\n")]
    [InlineData("name=\u00E9\n\n")]
    [InlineData("name=a\r\n\n")]
    public void LinesThatAreNone_AreRefused(string text) =>
        Assert.Throws<ProtocolException>(() => ProbeQuestion.Parse(Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void WithoutAnEnd_NothingIsRead()
    {
        Assert.Throws<EndOfStreamException>(() => Read("role=worker\n"));
        Assert.Throws<EndOfStreamException>(() => Read(""));
        Assert.Throws<ProtocolException>(() => Read(new string('a', 1 << 20)));
    }

    /// <summary>Whatever people call their workers, nobody can add a line.</summary>
    [Fact]
    public void WhatIsNotPrintable_IsNotWritten_AndWhatIsLongIsCut()
    {
        ProbeQuestion odd = s_question with { Name = "a\nrole=standby\r\u00E9" };
        Assert.Equal("a?role=standby??", ProbeQuestion.Parse(Read(odd.ToBytes())).Name);
        ProbeAnswer much = s_answer with { Reason = new string('r', 10_000) };
        Assert.Equal(new string('r', 1000), ProbeAnswer.Parse(Read(much.ToBytes())).Reason);
    }

    private static byte[] Read(string text) => Read(Encoding.ASCII.GetBytes(text));

    private static byte[] Read(byte[] bytes) => ProbeText.Read(new MemoryStream(bytes));
}
