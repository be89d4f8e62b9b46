using Distributed.Framework.Training;
using Distributed.Protocol.Machines;

namespace Distributed.Coordinator.Core;

/// <summary>Divides shards by what members were measured to do.</summary>
/// <remarks>
/// Before anything is measured threads count; then who was not measured counts as the mean of the others. Members are
/// measured over periods, so that noise of short steps evens out. A division of a whole step is kept as long as the
/// same members are there and their paces, compared with each other, have changed by less than 5 %.
/// </remarks>
/// <param name="period">A period is at least that long, and a step.</param>
internal sealed class PacedPlan(TimeSpan period)
{
    private const double ChangeMin = 0.05;

    private (int ShardCount, List<Capacity> Members, IReadOnlyList<ShardAssignment> Assignments) _last = (0, [], []);
    private Timestamp _periodBegan;

    /// <summary>A whole step begins: ends the period if its time has come.</summary>
    public void Measure(IReadOnlyCollection<Member> members, Timestamp now)
    {
        if (now - _periodBegan < period)
        {
            return;
        }

        _periodBegan = now;
        double? usual = members.Average(member => member.Pace.ShardSeconds)
            ?? members.Min(member => member.Pace.Measured);
        foreach (Member member in members)
        {
            member.Pace.EndPeriod(usual);
        }
    }

    /// <summary>Divides shards over members.</summary>
    /// <param name="tree">The step's tree.</param>
    /// <param name="shards">Disjoint non-empty ranges, ascending.</param>
    /// <param name="members">At least one.</param>
    public IReadOnlyList<ShardAssignment> Divide(ReductionTree tree, List<ShardRange> shards, List<Member> members)
    {
        double mean = members.Average(member => member.Pace.ShardSeconds) ?? 1;
        List<Capacity> capacities = [.. members.Select(member =>
            new Capacity(member.Worker, member.Threads, member.Pace.ShardSeconds ?? mean))];
        if (shards[0].Count < tree.ShardCount)
        {
            return ShardPlan.Divide(tree, shards, capacities);
        }

        if (_last.ShardCount != tree.ShardCount || !AreAlike(_last.Members, capacities))
        {
            _last = (tree.ShardCount, capacities, ShardPlan.Divide(tree, shards, capacities));
        }

        return _last.Assignments;
    }

    private static bool AreAlike(List<Capacity> before, List<Capacity> now)
    {
        IEnumerable<double> changes = before.Zip(now, (then, since) => since.ShardTime / then.ShardTime);
        return before.Count == now.Count
            && before.Zip(now).All(pair => pair.First with { ShardTime = pair.Second.ShardTime } == pair.Second)
            && changes.Max() <= changes.Min() * (1 + ChangeMin);
    }
}
