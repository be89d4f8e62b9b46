using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Coordinator.Core;

/// <summary>The shards of one step: who holds them, who is late, what has arrived.</summary>
public sealed partial class CoordinatorMachine
{
    private const int LimitDoublingsMax = 6;

    /// <summary>Who has to compute each shard; null if nobody has.</summary>
    private WorkerId?[] _holders = [];

    /// <summary>Which shards were given to anybody in this step, to count those given again.</summary>
    private bool[] _isGiven = [];

    private StepReduction _round;
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

    private void BeginShards(int shardCount)
    {
        _round = new StepReduction(new ReductionTree(shardCount));
        _holders = new WorkerId?[shardCount];
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
    /// lost: everybody is told again, parameters included, and has twice the time.
    /// </summary>
    private void GiveOutShards(ICollection<CoordinatorEffect> effects)
    {
        MarkLateWorkers();
        List<Member> onTime = [.. Ready.Where(member => !member.IsLate)];
        List<Member> free = [.. onTime.Where(member => member.Owes == 0)];
        if (free.Count > 0)
        {
            Give(FindShards(lateToo: true), free, effects);
        }
        else if (onTime.Count > 0)
        {
            Give(FindShards(lateToo: false), onTime, effects);
        }
        else
        {
            // A step that begins with nobody but late workers has not failed yet.
            bool isBegun = Array.Exists(_isGiven, given => given);
            _doublings = Math.Min(LimitDoublingsMax, _doublings + (isBegun ? 1 : 0));
            foreach (Member member in Ready)
            {
                member.IsLate = false;
                member.HasParameters = false;
            }

            Give([.. _round.Missing], [.. Ready], effects);
        }
    }

    private void MarkLateWorkers()
    {
        foreach (Member member in Ready)
        {
            if (member.IsLate && _now >= member.SitsOutUntil && member.Owes == 0)
            {
                member.IsLate = false;
            }
            else if (!member.IsLate && member.Owes > 0 && _now >= member.OwesSince + Limit)
            {
                member.IsLate = true;
                member.SitsOutUntil = _now + _options.SitOut;
            }
        }
    }

    /// <summary>The missing shards without a holder, and those of late holders too if wanted.</summary>
    private List<ShardRange> FindShards(bool lateToo)
    {
        List<ShardRange> ranges = [];
        for (int shard = 0; shard < _holders.Length; shard++)
        {
            bool isOpen = _holders[shard] is not { } holder || (lateToo && _members[holder].IsLate);
            if (!_round.IsMissing(shard) || !isOpen)
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

    private void Give(List<ShardRange> shards, List<Member> members, ICollection<CoordinatorEffect> effects)
    {
        if (shards.Count == 0)
        {
            return;
        }

        foreach (ShardAssignment assignment in Plan(shards, members))
        {
            Member member = _members[assignment.Worker];
            if (!member.HasParameters)
            {
                effects.Add(new SendParameters(member.Worker, _term, _step));
                member.HasParameters = true;
            }

            effects.Add(new Assign(member.Worker, _term, _step, assignment.Shards));
            member.Assigned.Add(assignment.Shards);
            member.OwesSince = _now;
            for (int shard = assignment.Shards.First; shard < assignment.Shards.End; shard++)
            {
                RecomputedShards += _isGiven[shard] ? 1 : 0;
                _isDisturbed |= _isGiven[shard];
                _isGiven[shard] = true;
                _holders[shard] = member.Worker;
            }
        }

        CountOwed();
    }

    private IReadOnlyList<ShardAssignment> Plan(List<ShardRange> shards, List<Member> members)
    {
        List<Capacity> capacities = [.. members.Select(member => new Capacity(member.Worker, member.Threads))];
        bool isWholeStep = shards[0].Count == _round.Tree.ShardCount;
        _stepBegan = isWholeStep ? _now : _stepBegan;
        if (isWholeStep && _lastPlan.ShardCount == shards[0].Count && _lastPlan.Members.SequenceEqual(capacities))
        {
            return _lastPlan.Plan;
        }

        IReadOnlyList<ShardAssignment> plan = ShardPlan.Divide(_round.Tree, shards, capacities);
        if (isWholeStep)
        {
            _lastPlan = (shards[0].Count, capacities, plan);
        }

        return plan;
    }

    private void CountOwed()
    {
        foreach (Member member in _members.Values)
        {
            member.Owes = 0;
        }

        for (int shard = 0; shard < _holders.Length; shard++)
        {
            if (_holders[shard] is { } holder && _round.IsMissing(shard))
            {
                _members[holder].Owes++;
            }
        }
    }

    /// <summary>Keeps a partial sum; the last one missing ends the step.</summary>
    /// <remarks>
    /// The network delays, repeats and reorders, so every reason to ignore a message comes before any change of state.
    /// The update adds in the order of the tree, never of arrival: float sums depend on their order, and every run
    /// of one configuration must end with the same bits.
    /// </remarks>
    private void OnPartialSumArrived(PartialSumArrived arrived, ICollection<CoordinatorEffect> effects)
    {
        OnWorkerHeard(arrived.Worker);
        if (_members.TryGetValue(arrived.Worker, out Member? member))
        {
            // Whatever it says, it computes: it may have shards again.
            member.IsLate = false;
            member.OwesSince = _now;
        }

        if (WhyIgnored(arrived, member) is { } why)
        {
            DiscardedSums++;
            effects.Add(new Discard(arrived.Gradient, why));
            return;
        }

        _replaced.Clear();
        _round.Put(new AcceptedSum(arrived.Node, arrived.Gradient, arrived.Loss), _replaced);
        foreach (GradientTicket gradient in _replaced)
        {
            effects.Add(new Release(gradient));
        }

        CountOwed();
        if (_round.IsComplete)
        {
            LearnUsual(_now - _stepBegan);
            effects.Add(new ApplyUpdate(_step, _round.InTreeOrder));
            _state = State.Updating;
        }
    }

    /// <summary>
    /// Why a partial sum is void, or null if it counts. The sender may be wrong, so this never throws.
    /// </summary>
    private string? WhyIgnored(PartialSumArrived arrived, Member? member)
    {
        TreeNode node = arrived.Node;
        return member is null ? $"from {arrived.Worker}, which is no member"
            : arrived.Term != _term ? $"from {arrived.Term}, now {_term}"
            : arrived.Step != _step ? $"for {arrived.Step}, now {_step}"
            : _state != State.Collecting ? $"while {_state}"
            : !_round.Tree.IsNode(node) ? $"{arrived.Node} is no node"
            : _round.Tree.Cover(node) is var span && span.Count != arrived.ShardCount
                ? $"{arrived.Node} has {span.Count} shards, not {arrived.ShardCount}"
            : !member.Assigned.Exists(range => range.Contains(span))
                ? $"{arrived.Node} was not assigned to {arrived.Worker}"
            : !_round.Wants(arrived.Node) ? "repeated"
            : null;
    }

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
            if (member.Owes > 0 && !member.IsLate)
            {
                deadline = Timestamp.Earlier(deadline, member.OwesSince + Limit);
            }
        }

        return deadline;
    }
}
