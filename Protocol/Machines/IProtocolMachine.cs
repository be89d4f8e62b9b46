namespace Distributed.Protocol.Machines;

/// <summary>A protocol role as a pure state machine: embedded, Akka and simulator shells drive it alike.</summary>
/// <remarks>
/// The shell calls <see cref="Handle"/> from one thread at a time, performs the effects in order, then waits for
/// the next event or for <see cref="NextDeadline"/>, at which it sends a tick. Ticks that come early do nothing.
/// Same constructor arguments and same calls give the same effects, bit for bit.
/// </remarks>
public interface IProtocolMachine<in TEvent, TEffect>
{
    /// <summary>When to send a tick if nothing else happens first; null if the machine waits for nobody.</summary>
    Timestamp? NextDeadline { get; }

    /// <summary>Takes one event and appends what the shell must now do.</summary>
    /// <param name="event">What happened.</param>
    /// <param name="now">When; never less than in the call before.</param>
    /// <param name="effects">Receives the effects, in the order to perform them.</param>
    void Handle(TEvent @event, Timestamp now, ICollection<TEffect> effects);
}
