namespace Distributed.Protocol;

/// <summary>What a signal that asks a process to end means, by those that came before.</summary>
public enum SignalMeaning
{
    /// <summary>End in good order.</summary>
    First,

    /// <summary>No more than the first.</summary>
    Same,

    /// <summary>End at once.</summary>
    Later,
}

/// <summary>Tells the first signal that asks a process to end from later ones; any thread.</summary>
/// <remarks>
/// Signals within 2 s of the first are the same one: <c>timeout</c> and schedulers signal a process and its group.
/// </remarks>
/// <param name="clock">The system clock, or a fake one.</param>
public sealed class SignalSequence(TimeProvider clock)
{
    private static readonly TimeSpan s_oneSignal = TimeSpan.FromSeconds(2);
    private readonly Lock _lock = new();
    private long? _first;

    /// <summary>A signal came.</summary>
    public SignalMeaning Next()
    {
        lock (_lock)
        {
            if (_first is { } first)
            {
                return clock.GetElapsedTime(first) < s_oneSignal ? SignalMeaning.Same : SignalMeaning.Later;
            }

            _first = clock.GetTimestamp();
            return SignalMeaning.First;
        }
    }
}
