using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Worker.Core;

/// <summary>The step at hand: parameters, shards asked for, shards still owed.</summary>
public sealed partial class WorkerMachine
{
    /// <summary>Bounds what one Assign can make this worker remember.</summary>
    private const int ShardCountMax = 1 << 20;

    /// <summary>Shards asked for whose sums are not ready yet.</summary>
    private readonly SortedSet<int> _owed = [];

    /// <summary>
    /// Of those, what the compute threads have not been told of, since the parameters are not here yet.
    /// </summary>
    private readonly List<ShardRange> _untold = [];

    /// <summary>The newest step heard of; null if none since joining.</summary>
    private Step? _step;

    /// <summary>Whether the replica has that step's parameters.</summary>
    private bool _isBegun;

    private void OnParametersArrived(ParametersArrived arrived, ICollection<WorkerEffect> effects)
    {
        if (!IsReady || arrived.Term != _term || arrived.Step < _step || (arrived.Step == _step && _isBegun))
        {
            effects.Add(new ReleaseParameters(arrived.Parameters));
            return;
        }

        GoTo(arrived.Step, effects);
        _isBegun = true;
        effects.Add(new BeginStep(_term, arrived.Step, arrived.Parameters));
        foreach (ShardRange shards in _untold)
        {
            effects.Add(new ComputeShards(_term, arrived.Step, shards));
        }

        _untold.Clear();
    }

    private void OnAssigned(Assigned assigned, ICollection<WorkerEffect> effects)
    {
        (int first, int end) = assigned.Shards;
        bool isRange = first >= 0 && first < end && end <= ShardCountMax;
        if (!IsReady || assigned.Term != _term || assigned.Step < _step || !isRange)
        {
            return;
        }

        GoTo(assigned.Step, effects);
        for (int shard = first; shard < end; shard++)
        {
            int start = shard;
            while (shard < end && _owed.Add(shard))
            {
                shard++;
            }

            if (start == shard)
            {
                continue;
            }

            ShardRange shards = new(start, shard);
            if (_isBegun)
            {
                effects.Add(new ComputeShards(_term, assigned.Step, shards));
            }
            else
            {
                _untold.Add(shards);
            }
        }

        _state = _owed.Count > 0 ? State.Computing : State.Waiting;
    }

    private void OnSumReady(SumReady ready, ICollection<WorkerEffect> effects)
    {
        if (!IsReady || ready.Term != _term || ready.Step != _step || !_isBegun)
        {
            effects.Add(new Release(ready.Gradient));
            return;
        }

        int first = ready.Node.Index << ready.Node.Level;
        for (int shard = first; shard < first + ready.ShardCount; shard++)
        {
            _owed.Remove(shard);
        }

        effects.Add(new SendSum(
            ready.Term, ready.Step, ready.Node, ready.ShardCount, ready.Loss, ready.Gradient));
        _state = _owed.Count > 0 ? State.Computing : State.Waiting;
    }

    /// <summary>Makes a step the one at hand; an older one is void.</summary>
    private void GoTo(Step step, ICollection<WorkerEffect> effects)
    {
        if (_step == step)
        {
            return;
        }

        ForgetStep(effects);
        _step = step;
        _state = State.Waiting;
    }

    private void ForgetStep(ICollection<WorkerEffect> effects)
    {
        if (_isBegun && _step is { } step)
        {
            effects.Add(new CancelStep(_term, step));
        }

        _step = null;
        _isBegun = false;
        _owed.Clear();
        _untold.Clear();
    }
}
