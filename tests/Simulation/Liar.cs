using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Simulation;

/// <summary>Makes sums that must not count, whatever they say about being finite.</summary>
internal sealed class Liar(World world, Faults faults)
{
    /// <summary>What each session was told to compute in the newest step.</summary>
    private readonly Dictionary<SessionId, (Term Term, Step Step, List<ShardRange> Ranges)> _assigned = [];

    public bool WantsToLie() => world.Chance(faults.LiePercent);

    public void OnAssigned(SessionId worker, CoordinatorMessage.Assign assign)
    {
        if (!_assigned.TryGetValue(worker, out (Term Term, Step Step, List<ShardRange> Ranges) known)
            || known.Term != assign.Term || known.Step != assign.Step)
        {
            _assigned[worker] = known = (assign.Term, assign.Step, []);
        }

        known.Ranges.Add(assign.Shards);
    }

    /// <summary>Another shape, an older term or step, or shards that are not the worker's.</summary>
    public WorkerMessage.GradientSum Spoil(WorkerMessage.GradientSum sum, SessionId from, ReductionTree tree)
    {
        sum = sum with { IsFinite = world.Chance(50) };
        int shard = world.Draw(tree.ShardCount);
        bool isItsOwn = !_assigned.TryGetValue(from, out (Term Term, Step Step, List<ShardRange> Ranges) known)
            || known.Term != sum.Term || known.Step != sum.Step
            || known.Ranges.Exists(range => range.Contains(new ShardRange(shard, shard + 1)));
        return world.Draw(5) switch
        {
            0 => sum with { ShardCount = sum.ShardCount + 1 },
            1 => sum with { Term = new Term(sum.Term.Value - 1) },
            2 => sum with { Step = new Step(sum.Step.Value - 1) },
            3 when !isItsOwn => sum with { Node = new TreeNode(0, shard), ShardCount = 1 },
            _ => sum with { Node = new TreeNode(60, sum.Node.Index) },
        };
    }
}
