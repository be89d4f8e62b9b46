using Akka.Actor;
using Akka.Event;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Actors;

/// <summary>Releases what messages hold that an actor did not take before its end, or that come after it.</summary>
/// <remarks>
/// No actor, but a reference that acts at once on the sender's thread: so it outlives all actors of the system, and
/// whoever sees an actor terminated finds everything released that was sent to it before.
/// </remarks>
public sealed class UndeliveredMessages : MinimalActorRef
{
    private UndeliveredMessages(IActorRefProvider provider) => Provider = provider;

    /// <inheritdoc/>
    public override ActorPath Path => Provider.DeadLetters.Path;

    /// <inheritdoc/>
    public override IActorRefProvider Provider { get; }

    /// <summary>Does so from now on, for all actors of a system.</summary>
    public static void ReleaseIn(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        UndeliveredMessages releaser = new(((ExtendedActorSystem)system).Provider);
        system.EventStream.Subscribe(releaser, typeof(DeadLetter));
    }

    /// <inheritdoc/>
    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is DeadLetter { Message: IReleasable releasable })
        {
            releasable.Release();
        }
    }
}
