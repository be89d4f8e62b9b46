using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tests.Serialization;

public sealed class StatusSerializerTests : TestKit
{
    private static readonly RunStatus s_status = new()
    {
        Run = "2026-11-28-n2n-final",
        State = "training",
        Step = 1200,
        StepsTotal = 4000,
        Epoch = 3,
        Loss = 0.015625,
        ImagesPerSecond = 812.5,
        Term = 2,
        UptimeSeconds = 61.25,
        Workers =
        [
            new WorkerStatus("local-1", "alpha", 1, WorkerKind.Local, "computing", 12.5, 60, 0, 0, 0),
            new WorkerStatus("beta", "10.0.0.7", 16, WorkerKind.Peer, "late", 99.5, 900, 1L << 40, 1L << 41, 0.25),
        ],
    };

    private readonly ExtendedActorSystem _system;
    private readonly StatusSerializer _reading;

    public StatusSerializerTests()
        : base(ActorSystems.Settings())
    {
        _system = (ExtendedActorSystem)Sys;
        _reading = new StatusSerializer(_system, ConfigurationFactory.ParseString("reads = on"));
    }

    [Fact]
    public void Status_ComesBackEqual()
    {
        AssertSame(s_status);
        AssertSame(s_status with { StepsTotal = null, Loss = null, Psnr = 31.5, Workers = [] });

        void AssertSame(RunStatus status)
        {
            RunStatus back = (RunStatus)_reading.FromBinary(_reading.ToBinary(status), "");
            Assert.Equal(status.Workers, back.Workers);
            Assert.Equal(Without(status), Without(back));
        }

        static string Without(RunStatus status) => (status with { Workers = [] }).ToString();
    }

    [Fact]
    public void Status_ThatNobodyAskedFor_IsRefused()
    {
        StatusSerializer other = new(_system, ConfigurationFactory.ParseString("reads = off"));
        Assert.Throws<SerializationException>(() => other.FromBinary(_reading.ToBinary(s_status), ""));
    }

    [Fact]
    public void WhatElseHyperionWrites_IsRefused()
    {
        HyperionSerializer open = new(_system);
        foreach (object foreign in new object[]
        {
            new Foreign("rm"),
            new object[] { new Foreign("rm") },
            new List<WorkerStatus>(s_status.Workers),
            new InvalidOperationException("x"),
            s_status.Workers[0],
            "text",
            typeof(Foreign),
            new Dictionary<string, object>(),
        })
        {
            Assert.Throws<SerializationException>(() => _reading.FromBinary(open.ToBinary(foreign), ""));
        }
    }

    [Fact]
    public void WhatIsNoStatus_IsNotWritten() =>
        Assert.ThrowsAny<Exception>(() => _reading.ToBinary(new Foreign("rm")));

    [Fact]
    public void Garbage_IsRefused()
    {
        byte[] bytes = _reading.ToBinary(s_status);
        AssertRefused([]);
        AssertRefused([.. Enumerable.Repeat((byte)255, 100_000)]);
        AssertRefused([.. bytes, 0]);
        for (int length = 0; length < bytes.Length; length += 9)
        {
            AssertRefused(bytes[..length]);
        }

        void AssertRefused(byte[] garbage) =>
            Assert.Throws<SerializationException>(() => _reading.FromBinary(garbage, ""));
    }

    [Fact]
    public void StatusTooLarge_IsRefusedWhenMade()
    {
        RunStatus large = s_status with { Workers = [.. Enumerable.Repeat(s_status.Workers[1], 2_000)] };
        MessageTooLargeException fault = Assert.Throws<MessageTooLargeException>(() => _reading.ToBinary(large));
        Assert.StartsWith("RunStatus has ", fault.Message, StringComparison.Ordinal);
        RunStatus usual = s_status with { Workers = [.. Enumerable.Repeat(s_status.Workers[1], 512)] };
        Assert.NotEmpty(_reading.ToBinary(usual));
    }

    private sealed record Foreign(string Command);
}
