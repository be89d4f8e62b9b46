using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tests.Serialization;

public sealed class AkkaMessageTests : IAsyncLifetime
{
    private readonly ActorSystem _system = RemoteSystems.Closed();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public void MessagesWithoutPayload_AreBound_AndComeBack()
    {
        foreach ((object message, _) in FormatSamples.All.Where(sample => !MessageFormat.HasPayload(sample.Message)))
        {
            Serializer serializer = _system.Serialization.FindSerializerFor(message);
            string manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
            byte[] bytes = serializer.ToBinary(message);
            Assert.Equal(FormatSamples.Write(message), bytes);
            Assert.Equal(5501, serializer.Identifier);
            Assert.Equal(
                message is WorkerMessage ? "w" : message is CoordinatorMessage ? "c" : "q", manifest);
            FormatSamples.AssertSame(message, _system.Serialization.Deserialize(bytes, 5501, manifest));
        }
    }

    [Fact]
    public void MessagesWithPayload_AreRefusedBothWays()
    {
        int count = 0;
        foreach ((object message, _) in FormatSamples.All.Where(sample => MessageFormat.HasPayload(sample.Message)))
        {
            Serializer serializer = _system.Serialization.FindSerializerFor(message);
            Assert.Throws<SerializationException>(() => serializer.ToBinary(message));
            AssertRefused(FormatSamples.Write(message), 5501, message is WorkerMessage ? "w" : "c");
            count++;
        }

        Assert.Equal(4, count);
    }

    [Fact]
    public void MessageOver100Kilobytes_IsRefusedWhenMade()
    {
        CoordinatorMessage.Plan plan = new(new string('p', 102_393));
        Serializer serializer = _system.Serialization.FindSerializerFor(plan);
        byte[] bytes = serializer.ToBinary(plan);
        Assert.Equal(102_400, bytes.Length);
        MessageTooLargeException fault = Assert.Throws<MessageTooLargeException>(
            () => serializer.ToBinary(new CoordinatorMessage.Plan(plan.Json + "p")));
        Assert.Equal("Plan has 102401 bytes; at most 102400 are allowed.", fault.Message);
    }

    [Fact]
    public void WhatIsRefused_IsCounted()
    {
        using RefusalCounts counts = new();
        AssertRefused([0x91, 64], 5501, "z");
        AssertRefused([0x91, 64], 5501, "w");
        AssertRefused([0x91, 64], 5501, null);
        AssertRefused([], 5502, "");
        AssertRefused([], 1, "System.Object");
        AssertRefused([], 2, "System.Object");
        AssertRefused([], 3, "");
        AssertRefused([], 4, "");
        AssertRefused([], 6, "System.Object");
        AssertRefused([], 16, "STF");
        AssertRefused([], 17, "S");
        AssertRefused([], 22, "Akka.Dispatch.SysMsg.Terminate, Akka");
        AssertRefused([], 36, "a");
        Assert.Superset(
            new HashSet<string>(["1", "2", "3", "4", "6", "16", "17", "22", "36", "5501", "5502"]),
            counts.Serializers);
        Assert.True(counts["5501"] >= 3);
    }

    /// <summary>All serializers of a system; another one, perhaps of a newer Akka, must be looked at first.</summary>
    [Fact]
    public void NoOtherSerializer_IsThere()
    {
        int[] open = [.. Enumerable.Range(-10, 200).Concat([5501, 5502]).Where(id => IsThere(id))];
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 16, 17, 22, 36, 5501, 5502], open);

        bool IsThere(int id)
        {
            try
            {
                _system.Serialization.Deserialize([], id, "");
                return true;
            }
            catch (Exception exception)
            {
                return !exception.Message.StartsWith("Cannot find serializer", StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Goal: no message makes its reader recurse as deep as it likes.</summary>
    [Fact]
    public void MessagesWithinMessages_AreRead_ButNoDeeper()
    {
        Identify within = new(new Identify(null));
        Serializer serializer = _system.Serialization.FindSerializerFor(within);
        Assert.IsType<Identify>(_system.Serialization.Deserialize(serializer.ToBinary(within), 16, "ID"));
        AssertRefused(serializer.ToBinary(new Identify(within)), 16, "ID");
        Assert.IsType<Identify>(_system.Serialization.Deserialize(serializer.ToBinary(within), 16, "ID"));
    }

    [Fact]
    public void WhatIsNotRegistered_IsNotSent() => Assert.Throws<SerializationException>(
        () => _system.Serialization.FindSerializerFor(new Forged(1, "", [])));

    private void AssertRefused(byte[] bytes, int id, string? manifest) =>
        Assert.Throws<SerializationException>(() => _system.Serialization.Deserialize(bytes, id, manifest));
}
