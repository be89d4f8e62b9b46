using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Core;

/// <summary>The shards of one step: who has to compute them, who is late, what has arrived.</summary>
public sealed partial class CoordinatorMachine
{
    private const int LimitDoublingsMax = 6;

    /// <summary>Who has to compute each shard; null if nobody has.</summary>
    private SessionId?[] _assignees = [];

    /// <summary>Which shards were given to anybody in this step, to count those given again.</summary>
    private bool[] _isGiven = [];

    private StepReduction _reduction;
    private Timestamp _stepBegan;

    /// <summary>
    /// Time from first assignment to last sum in undisturbed steps, smoothed; null before there was one.
    /// </summary>
    private TimeSpan? _usual;
    private bool _isDisturbed;

    /// <summary>How often everybody was late in this step; each time the limit doubles.</summary>
    private int _doublings;

    /// <summary>The last division of a whole step, for the next step with the same members.</summary>
    private (int ShardCount, List<Capacity> Members, IReadOnlyList<ShardAssignment> Plan) _lastPlan = (0, [], []);

    private TimeSpan Limit
    {
        get
        {
            TimeSpan limit = _usual is { } usual ? usual * _options.LateFactor : _options.LateFirst;
            return (limit < _options.LateMin ? _options.LateMin : limit) * (1 << _doublings);
        }
    }

    private IEnumerable<Member> Ready => _members.Values.Where(member => member.IsReady);

    private void BeginCollecting(int shardCount)
    {
        _reduction = new StepReduction(new ReductionTree(shardCount));
        _assignees = new SessionId?[shardCount];
        _isGiven = new bool[shardCount];
        _isDisturbed = false;
        _doublings = 0;
        _stepBegan = _now;
        foreach (Member member in _members.Values)
        {
            member.EndStep();
        }
    }

    /// <summary>
    /// Gives shards that are nobody's, or a late worker's, to those who owe nothing; if all are busy, shards that are
    /// nobody's go to the busy ones, and late ones wait for somebody to be done. If everybody is late, something got
    /// lost: everybody is told again, weights included, and has twice the time.
    /// </summary>
    private void AssignShards(ICollection<CoordinatorOrder> orders)
    {
        MarkLateWorkers();
        List<Member> onTime = [.. Ready.Where(member => !member.IsLate)];
        List<Member> free = [.. onTime.Where(member => member.PendingShards == 0)];
        if (free.Count > 0)
        {
            Give(FindShards(lateToo: true), free, orders);
        }
        else if (onTime.Count > 0)
        {
            Give(FindShards(lateToo: false), onTime, orders);
        }
        else
        {
            // A step that begins with nobody but late workers has not failed yet.
            bool isBegun = Array.Exists(_isGiven, given => given);
            _doublings = Math.Min(LimitDoublingsMax, _doublings + (isBegun ? 1 : 0));
            foreach (Member member in Ready)
            {
                member.IsLate = false;
                member.HasWeights = false;
            }

            Give([.. _reduction.Missing], [.. Ready], orders);
        }
    }

    private void MarkLateWorkers()
    {
        foreach (Member member in Ready)
        {
            if (member.IsLate && _now >= member.BackoffUntil && member.PendingShards == 0)
            {
                member.IsLate = false;
            }
            else if (!member.IsLate && member.PendingShards > 0 && _now >= member.PendingSince + Limit)
            {
                member.IsLate = true;
                member.BackoffUntil = _now + _options.Backoff;
            }
        }
    }

    /// <summary>The missing shards without an assignee, and those of late ones too if wanted.</summary>
    private List<ShardRange> FindShards(bool lateToo)
    {
        List<ShardRange> ranges = [];
        for (int shard = 0; shard < _assignees.Length; shard++)
        {
            bool isOpen = _assignees[shard] is not { } assignee || (lateToo && _members[assignee].IsLate);
            if (!_reduction.IsMissing(shard) || !isOpen)
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].End == shard)
            {
                ranges[^1] = ranges[^1] with { End = shard + 1 };
            }
            else
            {
                ranges.Add(new ShardRange(shard, shard + 1));
            }
        }

        return ranges;
    }

    private void Give(List<ShardRange> shards, List<Member> members, ICollection<CoordinatorOrder> orders)
    {
        if (shards.Count == 0)
        {
            return;
        }

        foreach (ShardAssignment assignment in Plan(shards, members))
        {
            Member member = _members[assignment.Worker];
            if (!member.HasWeights)
            {
                orders.Add(new Send(member.Worker, new CoordinatorMessage.Weights(_term, _step)));
                member.HasWeights = true;
            }

            orders.Add(new Send(member.Worker, new CoordinatorMessage.Assign(_term, _step, assignment.Shards)));
            member.Assigned.Add(assignment.Shards);
            member.PendingSince = _now;
            for (int shard = assignment.Shards.First; shard < assignment.Shards.End; shard++)
            {
                RecomputedShards += _isGiven[shard] ? 1 : 0;
                _isDisturbed |= _isGiven[shard];
                _isGiven[shard] = true;
                _assignees[shard] = member.Worker;
            }
        }

        CountPending();
    }

    private IReadOnlyList<ShardAssignment> Plan(List<ShardRange> shards, List<Member> members)
    {
        List<Capacity> capacities = [.. members.Select(member => new Capacity(member.Worker, member.Threads))];
        bool isWholeStep = shards[0].Count == _reduction.Tree.ShardCount;
        _stepBegan = isWholeStep ? _now : _stepBegan;
        if (isWholeStep && _lastPlan.ShardCount == shards[0].Count && _lastPlan.Members.SequenceEqual(capacities))
        {
            return _lastPlan.Plan;
        }

        IReadOnlyList<ShardAssignment> plan = ShardPlan.Divide(_reduction.Tree, shards, capacities);
        if (isWholeStep)
        {
            _lastPlan = (shards[0].Count, capacities, plan);
        }

        return plan;
    }

    private void CountPending()
    {
        foreach (Member member in _members.Values)
        {
            member.PendingShards = 0;
        }

        for (int shard = 0; shard < _assignees.Length; shard++)
        {
            if (_assignees[shard] is { } assignee && _reduction.IsMissing(shard))
            {
                _members[assignee].PendingShards++;
            }
        }
    }

    /// <summary>Keeps a gradient sum; the last one missing ends the step.</summary>
    /// <remarks>
    /// The network delays, repeats and reorders, so every reason to ignore a message comes before any change of state.
    /// Sums are added in the order of the tree, never of arrival: float sums depend on their order, and every run of
    /// one configuration must end with the same bits.
    /// </remarks>
    private void OnGradientSum(SessionId from, WorkerMessage.GradientSum sum, ICollection<CoordinatorOrder> orders)
    {
        OnHeard(from);
        if (_members.TryGetValue(from, out Member? member))
        {
            // Whatever it says, it computes: it may have shards again.
            member.IsLate = false;
            member.PendingSince = _now;
        }

        if (WhyIgnored(from, sum, member) is { } why)
        {
            DiscardedSums++;
            Discard(sum, why, orders);
            return;
        }

        _replaced.Clear();
        _reduction.Put(sum, _replaced);
        foreach (WorkerMessage.GradientSum replaced in _replaced)
        {
            Discard(replaced, "a sum that contains it is here", orders);
        }

        CountPending();
        if (_reduction.IsComplete)
        {
            LearnUsual(_now - _stepBegan);
            orders.Add(new AverageAndStep(_step, _reduction.InTreeOrder));
            _state = State.Stepping;
        }
    }

    /// <summary>Why a sum is void, or null if it counts. The sender may be wrong, so this never throws.</summary>
    private string? WhyIgnored(SessionId from, WorkerMessage.GradientSum sum, Member? member) =>
        member is null ? $"from {from}, which is no member"
        : sum.Term != _term ? $"from {sum.Term}, now {_term}"
        : sum.Step != _step ? $"for {sum.Step}, now {_step}"
        : _state != State.Collecting ? $"while {_state}"
        : !_reduction.Tree.IsNode(sum.Node) ? $"{sum.Node} is no node"
        : _reduction.Tree.Cover(sum.Node) is var range && range.Count != sum.ShardCount
            ? $"{sum.Node} has {range.Count} shards, not {sum.ShardCount}"
        : !member.Assigned.Exists(assigned => assigned.Contains(range))
            ? $"{sum.Node} was not assigned to {from}"
        : !_reduction.Wants(sum.Node) ? "repeated"
        : null;

    private void LearnUsual(TimeSpan time)
    {
        if (!_isDisturbed)
        {
            _usual = _usual is { } usual ? ((usual * 3) + time) / 4 : time;
        }
    }

    private Timestamp? LateDeadline()
    {
        Timestamp? deadline = null;
        foreach (Member member in Ready)
        {
            if (member.PendingShards > 0 && !member.IsLate)
            {
                deadline = Timestamp.Earlier(deadline, member.PendingSince + Limit);
            }
        }

        return deadline;
    }
}
