using Distributed.Framework.Randomness;
using Distributed.Protocol.Machines;

namespace Distributed.Simulation;

/// <summary>Virtual time and the one source of chance: a seed decides everything that happens.</summary>
internal sealed class World(uint seed)
{
    private readonly PriorityQueue<Action, (Timestamp, long)> _queue = new();
    private readonly Philox _philox = new(seed, RandomPurpose.SampleOrder);
    private uint _draws;
    private long _scheduled;

    public Timestamp Now { get; private set; }

    public void After(TimeSpan wait, Action action) => _queue.Enqueue(action, (Now + wait, _scheduled++));

    public int Draw(int below) => (int)(_philox.Block(_draws++).Word0 % (uint)below);

    public bool Chance(int percent) => Draw(100) < percent;

    public TimeSpan Time(double secondsMin, double secondsMax) =>
        TimeSpan.FromSeconds(secondsMin + ((secondsMax - secondsMin) * Draw(1 << 20) / (1 << 20)));

    /// <summary>Lets things happen until it is done, nothing is left, or time is up.</summary>
    public void Run(Func<bool> isDone, TimeSpan until)
    {
        while (!isDone() && _queue.TryPeek(out _, out (Timestamp At, long) next) && next.At.SinceStart <= until)
        {
            Action action = _queue.Dequeue();
            Now = next.At;
            action();
        }
    }
}
