using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerOrder;

namespace Distributed.Worker.Core;

/// <summary>The step at hand: its weights, the shards assigned, the shards not answered yet.</summary>
public sealed partial class WorkerMachine
{
    /// <summary>Bounds what one Assign can make this worker remember.</summary>
    private const int ShardCountMax = 1 << 20;

    /// <summary>Shards assigned whose sums are not complete yet.</summary>
    private readonly SortedSet<int> _pending = [];

    /// <summary>Of those, what is not ordered yet, since the weights are not here.</summary>
    private readonly List<ShardRange> _unordered = [];

    /// <summary>The newest step heard of; null if none since joining.</summary>
    private Step? _step;

    /// <summary>Whether BeginStep was ordered for it.</summary>
    private bool _isBegun;

    private void OnWeights(CoordinatorMessage.Weights weights, ICollection<WorkerOrder> orders)
    {
        if (weights.Payload is not { } payload)
        {
            return;
        }

        if (!IsReady || weights.Term != _term || weights.Step < _step || (weights.Step == _step && _isBegun))
        {
            orders.Add(new Release(payload));
            return;
        }

        GoTo(weights.Step, orders);
        _isBegun = true;
        orders.Add(new BeginStep(weights));
        foreach (ShardRange shards in _unordered)
        {
            orders.Add(new ComputeShards(weights.Step, shards));
        }

        _unordered.Clear();
    }

    private void OnAssign(CoordinatorMessage.Assign assign, ICollection<WorkerOrder> orders)
    {
        (int first, int end) = assign.Shards;
        bool isRange = first >= 0 && first < end && end <= ShardCountMax;
        if (!IsReady || assign.Term != _term || assign.Step < _step || !isRange)
        {
            return;
        }

        GoTo(assign.Step, orders);
        for (int shard = first; shard < end; shard++)
        {
            int start = shard;
            while (shard < end && _pending.Add(shard))
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
                orders.Add(new ComputeShards(assign.Step, shards));
            }
            else
            {
                _unordered.Add(shards);
            }
        }

        _state = _pending.Count > 0 ? State.Computing : State.Waiting;
    }

    private void OnSumCompleted(WorkerMessage.GradientSum sum, ICollection<WorkerOrder> orders)
    {
        if (!IsReady || sum.Term != _term || sum.Step != _step || !_isBegun)
        {
            orders.Add(new Release(sum.Payload!));
            return;
        }

        int first = sum.Node.Index << sum.Node.Level;
        for (int shard = first; shard < first + sum.ShardCount; shard++)
        {
            _pending.Remove(shard);
        }

        orders.Add(new Send(sum));
        _state = _pending.Count > 0 ? State.Computing : State.Waiting;
    }

    /// <summary>Makes a step the one at hand; an older one is void.</summary>
    private void GoTo(Step step, ICollection<WorkerOrder> orders)
    {
        if (_step == step)
        {
            return;
        }

        ForgetStep(orders);
        _step = step;
        _state = State.Waiting;
    }

    private void ForgetStep(ICollection<WorkerOrder> orders)
    {
        if (_isBegun && _step is { } step)
        {
            orders.Add(new CancelStep(step));
        }

        _step = null;
        _isBegun = false;
        _pending.Clear();
        _unordered.Clear();
    }
}
