namespace Distributed.Protocol.Machines;

/// <summary>A protocol role as a pure state machine: an actor and the simulator drive it alike.</summary>
/// <remarks>
/// Messages are its language: what a peer said goes in as the message it is, through a method of the machine's own;
/// what the shell has seen or done goes in as a report; what comes out is Send, or an order for work whose end the
/// shell reports. The shell calls from one thread at a time, performs the orders as they come, then waits for what
/// happens next or for <see cref="NextDeadline"/>, at which it reports a tick. Ticks that come early do nothing.
/// Payloads are opaque: a machine passes each on in a message or an order, or orders its release, exactly once.
/// Same constructor arguments and same calls give the same orders, bit for bit.
/// </remarks>
public interface IMachine<in TReport, TOrder>
{
    /// <summary>When to report a tick if nothing else happens first; null if the machine waits for nobody.</summary>
    Timestamp? NextDeadline { get; }

    /// <summary>Takes one report and appends what the shell must now do.</summary>
    /// <param name="report">What happened.</param>
    /// <param name="now">When; never less than in the call before.</param>
    /// <param name="orders">Receives the orders, in which they are to be performed.</param>
    void Handle(TReport report, Timestamp now, ICollection<TOrder> orders);
}
