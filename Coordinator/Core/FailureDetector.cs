using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>Who has been silent for too long.</summary>
/// <remarks>
/// A worker sends a heartbeat every interval, and every byte counts. Silence for longer than the limit means
/// dead or cut off: the two look alike, and both cost the worker its place. Silence while the coordinator itself
/// did not run is no worker's fault; the machine passes that time to <see cref="Forgive"/>.
/// </remarks>
/// <param name="silenceMax">The limit: long enough for a lost packet or two and a garbage collection.</param>
public sealed class FailureDetector(TimeSpan silenceMax)
{
    private readonly SortedDictionary<SessionId, Timestamp> _heard = [];

    /// <summary>When the next worker will have been silent for too long; null if there is none.</summary>
    public Timestamp? NextDeadline => _heard.Count == 0 ? null : _heard.Values.Min() + silenceMax;

    /// <summary>Bytes have come, or a worker has joined.</summary>
    public void Heard(SessionId worker, Timestamp now) => _heard[worker] = now;

    public bool Watches(SessionId worker) => _heard.ContainsKey(worker);

    public void Forget(SessionId worker) => _heard.Remove(worker);

    /// <summary>Takes some time out of account, for everybody.</summary>
    public void Forgive(TimeSpan pause)
    {
        foreach (SessionId worker in _heard.Keys.ToArray())
        {
            _heard[worker] += pause;
        }
    }

    /// <summary>The workers that are lost by now, in the order of their numbers.</summary>
    public IReadOnlyList<SessionId> Silent(Timestamp now)
    {
        if (NextDeadline is not { } deadline || now < deadline)
        {
            return [];
        }

        return [.. _heard.Where(pair => now >= pair.Value + silenceMax).Select(pair => pair.Key)];
    }
}
