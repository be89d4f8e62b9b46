using System.Collections.Concurrent;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Tests.Serialization;

/// <summary>
/// Goal: whatever a peer sends, no type is named, no code runs, no actor ends. Method: a second ActorSystem, as Akka
/// makes it, sends it over Akka.Remote; then a right message must arrive, and nothing else have arrived or happened.
/// Attacks that Akka's own serializers let through are made on them too, where they must succeed: else these would
/// prove nothing.
/// </summary>
public sealed class HostilePeerTests : IAsyncLifetime
{
    private static readonly WorkerMessage.Ready s_right = new(new Term(7));
    private static int s_harm;

    private readonly ActorSystem _peer = RemoteSystems.Open();

    public static TheoryData<string> Attacks => [.. s_attacks.Keys];

    private static readonly Dictionary<string, Action<ActorSystem, ActorSystem>> s_attacks = new()
    {
        ["JSON with $type"] = (from, at) => Tell(from, at, new Forged(1, NameOf<Harmful>(), Json())),
        ["JSON with $type in a selection"] = (from, at) => Select(from, at, new Forged(1, NameOf<Harmful>(), Json())),
        ["a class that is not registered"] = (from, at) => Tell(from, at, new Unregistered("x")),
        ["any class as protobuf"] = (from, at) => Tell(from, at, new Forged(2, NameOf<Harmful>(), [])),
        ["a failure with any exception"] = (from, at) => Tell(from, at, new Status.Failure(new HarmfulException())),
        ["such a failure in a selection"] = (from, at) => Select(from, at, new Status.Failure(new HarmfulException())),
        ["a text"] = (from, at) => Tell(from, at, "text"),
        ["bytes"] = (from, at) => Tell(from, at, new byte[] { 1 }),
        ["nothing"] = (from, at) => Tell(from, at, new Forged(0, "", [])),
        ["Hyperion"] = (from, at) => Tell(from, at, new Forged(-5, "", [255])),
        ["a status"] = (from, at) => Tell(from, at, new Forged(5502, "", [255])),
        ["reliable delivery"] = (from, at) => Tell(from, at, new Forged(36, "a", [])),
        ["a serializer that nobody has"] = (from, at) => Tell(from, at, new Forged(777, "", [1])),
        ["a manifest that nobody has"] = (from, at) => Tell(from, at, new Forged(5501, "x", [0x91, 64])),
        ["no message"] = (from, at) => Tell(from, at, new Forged(5501, "w", [0x92, 2])),
        ["a gradient without floats"] = (from, at) => Tell(from, at, new Forged(5501, "w", Gradient())),
        ["PoisonPill"] = (from, at) => Tell(from, at, PoisonPill.Instance),
        ["PoisonPill in a selection"] = (from, at) => Select(from, at, PoisonPill.Instance),
        ["Kill"] = (from, at) => Tell(from, at, Kill.Instance),
        ["Kill in a selection"] = (from, at) => Select(from, at, Kill.Instance),
        ["a right message to another path"] = (from, at) => Select(from, at, s_right, "/user/other"),
        ["selections within selections"] = (from, at) => Select(from, at, Nested(3)),
        ["Terminate"] = (from, at) => Order(from, at, new Terminate()),
        ["Recreate"] = (from, at) => Order(from, at, new Recreate(new HarmfulException())),
        ["Suspend"] = (from, at) => Order(from, at, new Suspend()),
        ["remote deployment"] = (from, at) => from.ActorOf(Props.Create<HarmfulActor>().WithDeploy(
            Deploy.None.WithScope(new RemoteScope(RemoteSystems.AddressOf(at)))), "deployed"),
    };

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _peer.Terminate();

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Attack_DoesNothing(string name)
    {
        ActorSystem victim = RemoteSystems.Closed();
        BlockingCollection<object> told = RemoteSystems.Record(victim, "coordinator");
        BlockingCollection<object> toldOther = RemoteSystems.Record(victim, "other");
        int before = s_harm;
        s_attacks[name](_peer, victim);

        // The attack may have cost the connection, and this message with it; then another one arrives.
        object? first = null;
        for (int i = 0; first is null && i < 60; i++)
        {
            Tell(_peer, victim, s_right);
            told.TryTake(out first, TimeSpan.FromSeconds(1));
        }

        await victim.Terminate();
        Assert.Equal(s_right, first);
        Assert.DoesNotContain(told, message => message is not (WorkerMessage.Ready or "stopped"));
        Assert.Equal(["stopped"], toldOther);
        Assert.Equal(before, s_harm);
    }

    [Theory]
    [InlineData("JSON with $type", true)]
    [InlineData("any class as protobuf", true)]
    [InlineData("a failure with any exception", true)]
    [InlineData("Kill", false)]
    [InlineData("Recreate", false)]
    public async Task SameAttack_OnAkkasOwnSerializers_Succeeds(string name, bool runsCode)
    {
        ActorSystem victim = RemoteSystems.Open("akka.remote.untrusted-mode = on");
        BlockingCollection<object> told = RemoteSystems.Record(victim, "coordinator");
        int before = s_harm;
        s_attacks[name](_peer, victim);
        if (runsCode)
        {
            Assert.True(SpinWait.SpinUntil(() => s_harm > before, RemoteSystems.Patience));
        }
        else
        {
            Assert.True(told.TryTake(out object? first, RemoteSystems.Patience));
            Assert.Equal("stopped", first);
        }

        await victim.Terminate();
    }

    private static void Tell(ActorSystem from, ActorSystem at, object message) =>
        RemoteSystems.Resolve(from, at, "/user/coordinator").Tell(message, ActorRefs.NoSender);

    private static void Select(ActorSystem from, ActorSystem at, object message, string path = "/user/coordinator") =>
        from.ActorSelection(RemoteSystems.AddressOf(at) + path).Tell(message, ActorRefs.NoSender);

    private static void Order(ActorSystem from, ActorSystem at, ISystemMessage message) =>
        ((IInternalActorRef)RemoteSystems.Resolve(from, at, "/user/coordinator")).SendSystemMessage(message);

    private static object Nested(int depth) => depth == 0
        ? s_right
        : new ActorSelectionMessage(
            Nested(depth - 1), [new SelectChildName("user"), new SelectChildName("coordinator")]);

    private static string NameOf<T>() => $"{typeof(T).FullName}, {typeof(T).Assembly.GetName().Name}";

    private static byte[] Json() => Encoding.UTF8.GetBytes($"{{\"$type\":\"{NameOf<Harmful>()}\"}}");

    private static byte[] Gradient() => FormatSamples.Write(FormatSamples.All[3].Message);

    /// <summary>Counts who makes one.</summary>
    public sealed class Harmful
    {
        public Harmful() => Interlocked.Increment(ref s_harm);
    }

    /// <summary>Counts who reads one.</summary>
    public sealed class HarmfulException : Exception
    {
        public HarmfulException()
        {
        }

#pragma warning disable SYSLIB0051 // Akka calls it.
        private HarmfulException(SerializationInfo info, StreamingContext context)
            : base(info, context) => Interlocked.Increment(ref s_harm);
#pragma warning restore SYSLIB0051
    }

    public sealed record Unregistered(string Text);

    public sealed class HarmfulActor : UntypedActor
    {
        public HarmfulActor() => Interlocked.Increment(ref s_harm);

        protected override void OnReceive(object message)
        {
        }
    }
}
