using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Worker.Core;

/// <summary>The step at hand: parameters, leaves asked for, leaves still owed.</summary>
public sealed partial class WorkerMachine
{
    /// <summary>Bounds what one Assign can make this worker remember.</summary>
    private const int LeafCountMax = 1 << 20;

    /// <summary>Leaves asked for whose sums are not ready yet.</summary>
    private readonly SortedSet<int> _owed = [];

    /// <summary>
    /// Of those, what the compute threads have not been told of, since the parameters are not here yet.
    /// </summary>
    private readonly List<LeafRange> _untold = [];

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
        foreach (LeafRange leaves in _untold)
        {
            effects.Add(new ComputeLeaves(_term, arrived.Step, leaves));
        }

        _untold.Clear();
    }

    private void OnAssigned(Assigned assigned, ICollection<WorkerEffect> effects)
    {
        (int first, int end) = assigned.Leaves;
        bool isRange = first >= 0 && first < end && end <= LeafCountMax;
        if (!IsReady || assigned.Term != _term || assigned.Step < _step || !isRange)
        {
            return;
        }

        GoTo(assigned.Step, effects);
        for (int leaf = first; leaf < end; leaf++)
        {
            int start = leaf;
            while (leaf < end && _owed.Add(leaf))
            {
                leaf++;
            }

            if (start == leaf)
            {
                continue;
            }

            LeafRange leaves = new(start, leaf);
            if (_isBegun)
            {
                effects.Add(new ComputeLeaves(_term, assigned.Step, leaves));
            }
            else
            {
                _untold.Add(leaves);
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

        int first = ready.Subtree.Index << ready.Subtree.Level;
        for (int leaf = first; leaf < first + ready.LeafCount; leaf++)
        {
            _owed.Remove(leaf);
        }

        effects.Add(new SendSum(
            ready.Term, ready.Step, ready.Subtree, ready.LeafCount, ready.Loss, ready.Gradient));
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
