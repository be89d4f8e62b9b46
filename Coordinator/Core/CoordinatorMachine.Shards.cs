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

    /// <summary>Who has to compute each shard; null if it is unassigned.</summary>
    private SessionId?[] _assignees = [];

    /// <summary>Which shards were assigned in this step, to count those assigned again.</summary>
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
        _doubts.Clear();
        _isDisturbed = false;
        _doublings = 0;
        _stepBegan = _now;
        foreach (Member member in _members.Values)
        {
            member.EndStep();
        }
    }

    /// <summary>
    /// Gives unassigned shards to workers on time. If all of those are late, something got lost: everything is assigned
    /// anew, weights are sent again, and everybody has twice the time.
    /// </summary>
    private void AssignShards(ICollection<CoordinatorOrder> orders)
    {
        MarkLateWorkers();
        List<Member> onTime = [.. Ready.Where(member => !member.IsLate)];
        if (onTime.Count == 0)
        {
            onTime = [.. Ready];
            StartOver(onTime);
        }

        List<Member> trusted = _doubts.Count == 0 ? onTime : [.. onTime.Where(member => !IsDoubted(member))];
        if (trusted.Count > 0)
        {
            Assign(trusted, _ => true, orders);
        }
        else
        {
            AssignToDoubted(onTime, orders);
        }
    }

    private void StartOver(List<Member> members)
    {
        // A step that begins with late workers alone has not failed yet.
        bool isBegun = Array.Exists(_isGiven, given => given);
        _doublings = Math.Min(LimitDoublingsMax, _doublings + (isBegun ? 1 : 0));
        foreach (Member member in members)
        {
            member.IsLate = false;
            member.HasWeights = false;
        }

        Array.Clear(_assignees);
        CountPending();
    }

    /// <summary>
    /// Unassigned shards, and those of late workers, go to members without pending ones; if all are busy, unassigned
    /// ones go to the busy, and those of late workers wait for one that is done.
    /// </summary>
    private void Assign(List<Member> members, Func<int, bool> isWanted, ICollection<CoordinatorOrder> orders)
    {
        List<Member> free = [.. members.Where(member => member.PendingShards == 0)];
        Give(FindShards(isWanted, lateToo: free.Count > 0), free.Count > 0 ? free : members, orders);
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

    /// <summary>The missing shards that are wanted and unassigned, or a late worker's if so asked.</summary>
    private List<ShardRange> FindShards(Func<int, bool> isWanted, bool lateToo)
    {
        List<ShardRange> ranges = [];
        for (int shard = 0; shard < _assignees.Length; shard++)
        {
            bool isOpen = _assignees[shard] is not { } assignee || (lateToo && _members[assignee].IsLate);
            if (!isOpen || !_reduction.IsMissing(shard) || !isWanted(shard))
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

        if (shards[0].Count == _reduction.Tree.ShardCount)
        {
            _stepBegan = _now;
            _plan.Measure(_members.Values, _now);
        }

        foreach (ShardAssignment assignment in _plan.Divide(_reduction.Tree, shards, members))
        {
            Member member = _members[assignment.Worker];
            if (!member.HasWeights)
            {
                orders.Add(new Send(member.Worker, new CoordinatorMessage.Weights(_term, _step)));
                member.HasWeights = true;
            }

            orders.Add(new Send(member.Worker, new CoordinatorMessage.Assign(_term, _step, assignment.Shards)));
            member.Assigned.Add(assignment.Shards);
            member.Pace.OnAssigned(_step, assignment.Shards.Count, _now);
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
        _members.TryGetValue(from, out Member? member);
        if (WhyWrong(from, sum, member) is { } fault)
        {
            Ignore(sum, fault, orders);
            return;
        }

        // However late it is, it computes: it may have shards again.
        member!.IsLate = false;
        member.PendingSince = _now;
        member.Pace.OnAnswered(sum.Step, sum.ShardCount, _now);
        if (WhyLate(sum, member) is { } why)
        {
            Ignore(sum, why, orders);
            return;
        }

        if (!sum.IsFinite)
        {
            OnNotFinite(member, sum, orders);
            return;
        }

        // What a worker says about its time is shown to people; it cannot have been more than there was.
        TimeSpan computeMax = (_now - _stepBegan) * member.Threads;
        sum = sum.Compute > computeMax ? sum with { Compute = computeMax } : sum;
        _replaced.Clear();
        _reduction.Put(sum, _replaced);
        foreach (WorkerMessage.GradientSum replaced in _replaced)
        {
            Discard(replaced, "a sum that contains it is here", orders);
        }

        if (_doubts.Count > 0)
        {
            SettleDoubts(member, _reduction.Tree.Cover(sum.Node), orders);
        }

        CountPending();
        if (_reduction.IsComplete)
        {
            LearnUsual(_now - _stepBegan);
            orders.Add(new AverageAndStep(_step, _reduction.InTreeOrder));
            _state = State.Stepping;
        }
    }

    private void Ignore(WorkerMessage.GradientSum sum, string why, ICollection<CoordinatorOrder> orders)
    {
        DiscardedSums++;
        Discard(sum, why, orders);
    }

    /// <summary>
    /// Why a sum is none that its sender was asked for, or null. The sender may be wrong, so this never throws.
    /// </summary>
    private string? WhyWrong(SessionId from, WorkerMessage.GradientSum sum, Member? member) =>
        member is null ? $"from {from}, which is no member"
        : sum.Term != _term ? $"from {sum.Term}, now {_term}"
        : sum.Payload is null ? "without a gradient"
        : sum.Step != _step || _state != State.Collecting ? null
        : !_reduction.Tree.IsNode(sum.Node) ? $"{sum.Node} is no node"
        : _reduction.Tree.Cover(sum.Node) is var range && range.Count != sum.ShardCount
            ? $"{sum.Node} has {range.Count} shards, not {sum.ShardCount}"
        : !member.Assigned.Exists(assigned => assigned.Contains(range))
            ? $"{sum.Node} was not assigned to {from}"
        : null;

    /// <summary>Why a sum that its sender was asked for comes too late, or null if it counts.</summary>
    private string? WhyLate(WorkerMessage.GradientSum sum, Member member) =>
        sum.Step != _step ? $"for {sum.Step}, now {_step}"
        : _state != State.Collecting ? $"while {_state}"
        : !_reduction.Wants(sum.Node) ? "repeated"
        : _doubts.Count > 0 && IsForOthers(member, _reduction.Tree.Cover(sum.Node))
            ? "others compute what it gave no finite sum of"
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
