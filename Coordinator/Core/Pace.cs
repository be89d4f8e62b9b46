using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>
/// How long a worker takes for a shard: measured here, from an assignment to its last sum, so travel counts and
/// nothing is taken on trust.
/// </summary>
/// <param name="threads">Shards that it computes at once.</param>
internal sealed class Pace(int threads)
{
    /// <summary>After so many periods without a shard it is forgotten: the worker may have become faster.</summary>
    private const int IdleMax = 64;

    /// <summary>The assignment at hand: its step, its shards, those not answered yet, and when it was made.</summary>
    private (Step Step, int Shards, int Unanswered, Timestamp At) _assignment;

    /// <summary>Of this period: time of whole assignments, and how many shards each thread did in it.</summary>
    private TimeSpan _time;
    private int _rounds;
    private int _idlePeriods;

    /// <summary>Seconds a shard on one thread, smoothed; null if not known.</summary>
    public double? ShardSeconds { get; private set; }

    /// <summary>Shards are assigned; those that come while others are pending belong to the same assignment.</summary>
    public void OnAssigned(Step step, int shards, Timestamp now)
    {
        if (_assignment.Unanswered == 0 || _assignment.Step != step)
        {
            _assignment = (step, 0, 0, now);
        }

        _assignment.Shards += shards;
        _assignment.Unanswered += shards;
    }

    /// <summary>The worker has sent a sum, whether or not it still counts: a late one shows how late.</summary>
    public void OnAnswered(Step step, int shards, Timestamp now)
    {
        if (_assignment.Unanswered == 0 || _assignment.Step != step)
        {
            return;
        }

        _assignment.Unanswered -= Math.Clamp(shards, 0, _assignment.Unanswered);
        if (_assignment.Unanswered == 0)
        {
            _time += now - _assignment.At;
            _rounds += ((_assignment.Shards - 1) / threads) + 1;
        }
    }

    /// <summary>Seconds a shard in this period; null if no assignment was answered.</summary>
    public double? Measured => _time > TimeSpan.Zero ? _time.TotalSeconds / _rounds : null;

    /// <summary>Takes some time out of account.</summary>
    public void Forgive(TimeSpan pause) => _assignment.At += pause;

    /// <summary>
    /// Ends a period: it counts as much as all before, but for no more than twice that, since a pause or a first step
    /// says little about those that follow.
    /// </summary>
    /// <param name="usual">Stands for what was before if this worker was not measured yet.</param>
    public void EndPeriod(double? usual)
    {
        if (Measured is { } seconds && (ShardSeconds ?? usual) is { } before)
        {
            ShardSeconds = (before + Math.Min(seconds, 2 * before)) / 2;
            _idlePeriods = 0;
        }
        else if (++_idlePeriods == IdleMax)
        {
            ShardSeconds = null;
        }

        (_time, _rounds) = (TimeSpan.Zero, 0);
    }
}
