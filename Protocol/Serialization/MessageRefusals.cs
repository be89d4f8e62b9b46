using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Event;

namespace Distributed.Protocol.Serialization;

/// <summary>Counts what other processes sent that was dropped unread, and says so, once a minute at most.</summary>
/// <remarks>
/// It belongs to the process, and goes into the settings of its ActorSystems. Serializers tell it what they refuse;
/// that there is no serializer of an identifier only Akka knows, which drops the message with a warning that people do
/// not see: <see cref="HearIn"/> hears those. Any thread may call.
/// </remarks>
/// <param name="note">Called with a line for people.</param>
/// <param name="clock">The system clock, or a fake one.</param>
public sealed class MessageRefusals(Action<string> note, TimeProvider clock) : Setup
{
    private const string UnknownBegins = "Cannot find serializer with id [";
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _saidAt;
    private int _unsaid;

    /// <summary>Hears from now on of what a system drops since it has no such serializer.</summary>
    /// <remarks>The system's log level must be WARNING at least.</remarks>
    public static void HearIn(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        system.EventStream.Subscribe(new WarningListener((ExtendedActorSystem)system), typeof(Warning));
    }

    /// <summary>Counts a message that a serializer of a system refused.</summary>
    internal static void OnRefused(ActorSystem system, int serializer, string why)
    {
        ProtocolMetrics.OnRefused(serializer);
        Say(system, why);
    }

    private static void Say(ActorSystem system, string why)
    {
        if (system.Settings.Setup.Get<MessageRefusals>() is { HasValue: true, Value: { } refusals })
        {
            refusals.OnRefused(why);
        }
    }

    private void OnRefused(string why)
    {
        int count;
        lock (_lock)
        {
            _unsaid++;
            if (_saidAt is { } saidAt && clock.GetElapsedTime(saidAt) < s_pause)
            {
                return;
            }

            _saidAt = clock.GetTimestamp();
            (count, _unsaid) = (_unsaid, 0);
        }

        note(count == 1
            ? $"A message of another process was dropped unread: {why}"
            : $"{count} messages of other processes were dropped unread; the last one: {why}");
    }

    /// <summary>No actor, but a reference that acts at once on the sender's thread.</summary>
    private sealed class WarningListener(ExtendedActorSystem system) : MinimalActorRef
    {
        public override ActorPath Path => Provider.DeadLetters.Path;

        public override IActorRefProvider Provider => system.Provider;

        /// <summary>The identifier is the peer's to choose: no label of a metric.</summary>
        protected override void TellInternal(object message, IActorRef sender)
        {
            if (message is Warning { Cause.Message: { } why }
                && why.StartsWith(UnknownBegins, StringComparison.Ordinal))
            {
                ProtocolMetrics.OnUnknownSerializer();
                string identifier = why[UnknownBegins.Length..].Split(']')[0];
                Say(system, $"nothing here reads serializer {identifier}.");
            }
        }
    }
}
