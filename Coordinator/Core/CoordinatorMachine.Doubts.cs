using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;

namespace Distributed.Coordinator.Core;

/// <summary>Sums that are not finite: whether the worker is to blame or the step has diverged.</summary>
/// <remarks>
/// Such a sum is never added. Its shards go to another worker, and who sent it gets none until that is settled. If the
/// other's sums are finite, the first one is named and kept out until its process has started anew; if not, the step
/// itself has diverged and the run fails. With no other worker on time the same one computes the shards once more:
/// then a second sum that is not finite means that the step has diverged, and a finite one counts.
/// </remarks>
public sealed partial class CoordinatorMachine
{
    private const int KeptOutMax = 1024;

    /// <summary>Of this step, those that are not settled; their shards are apart.</summary>
    private readonly List<Doubt> _doubts = [];

    /// <summary>Incarnations that may not join; beyond the maximum the oldest is forgotten.</summary>
    private readonly Queue<long> _keptOut = [];

    /// <summary>Whether a worker's sum over this shard, or over any if it is null, was not finite.</summary>
    private bool IsDoubted(Member member, int? shard = null) => _doubts.Exists(doubt =>
        doubt.Worker.IsSameProcess(member)
        && (shard is not { } one || doubt.Shards.Contains(new ShardRange(one, one + 1))));

    /// <summary>Whether a worker in doubt has sent a sum of doubtful shards that it was not asked for again.</summary>
    private bool IsForOthers(Member member, ShardRange shards) => Enumerable.Range(shards.First, shards.Count)
        .Any(shard => _assignees[shard] != member.Worker && IsDoubted(member, shard));

    private void OnNotFinite(Member member, WorkerMessage.GradientSum sum, ICollection<CoordinatorOrder> orders)
    {
        Ignore(sum, "not finite", orders);
        ShardRange shards = _reduction.Tree.Cover(sum.Node);
        if (_doubts.Exists(doubt => doubt.Shards.Meets(shards)))
        {
            FailStep(shards, $"the loss is {sum.Loss:G4} or its gradient is not finite", orders);
            return;
        }

        _doubts.Add(new Doubt(shards, member));
        Array.Clear(_assignees, shards.First, shards.Count);
        CountPending();
    }

    /// <summary>
    /// With no other worker on time: each computes what is doubtful of another, one alone its own once more.
    /// </summary>
    private void AssignToDoubted(List<Member> members, ICollection<CoordinatorOrder> orders)
    {
        Assign(members, shard => !members.Exists(member => IsDoubted(member, shard)), orders);
        foreach (Member member in members)
        {
            List<Member> others = [.. members.Where(other => other != member)];
            Assign(others.Count > 0 ? others : members, shard => IsDoubted(member, shard), orders);
        }
    }

    /// <summary>A finite sum was accepted.</summary>
    private void SettleDoubts(Member member, ShardRange shards, ICollection<CoordinatorOrder> orders)
    {
        foreach (Doubt doubt in _doubts.FindAll(doubt => doubt.Shards.Meets(shards)))
        {
            doubt.IsAnsweredByItself |= doubt.Worker.IsSameProcess(member);
            if (_reduction.Missing.Any(doubt.Shards.Meets))
            {
                continue;
            }

            _doubts.Remove(doubt);
            string what = $"sums of step {_step.Value + 1} were not finite";
            if (doubt.IsAnsweredByItself)
            {
                Say(doubt.Worker, $"goes on (its {what} at first, but were when it computed them again)", orders);
            }
            else
            {
                KeepOut(doubt.Worker, $"its {what}, those of another worker were", orders);
            }
        }
    }

    private void KeepOut(Member found, string why, ICollection<CoordinatorOrder> orders)
    {
        string what = "gets no more shards";
        if (found.IsKeptOut || _keptOut.Contains(found.Incarnation ?? -1))
        {
            return;
        }
        else if (found.Incarnation is { } incarnation)
        {
            what = "is kept out until it is started anew";
            _keptOut.Enqueue(incarnation);
            _ = _keptOut.Count > KeptOutMax ? _keptOut.Dequeue() : 0;
            if (_members.Values.FirstOrDefault(found.IsSameProcess) is { } member)
            {
                Remove(member.Worker);
                Refuse(member.Worker, Refusal.NotFinite, why, orders);
            }
        }
        else
        {
            found.IsKeptOut = true;
            MakeUnready(found);
        }

        Say(found, $"{what} ({why})", orders);
    }

    /// <summary>A worker of this process that was kept out is better than none.</summary>
    private void TakeBackIfAlone(ICollection<CoordinatorOrder> orders)
    {
        if (WorkersReady > 0)
        {
            return;
        }

        foreach (Member member in _members.Values.Where(member => member.IsKeptOut))
        {
            member.IsKeptOut = false;
            member.IsReady = true;
            WorkersReady++;
            Say(member, "gets shards again, for want of another", orders);
        }
    }

    /// <summary>A worker's sum over these shards was not finite.</summary>
    private sealed record Doubt(ShardRange Shards, Member Worker)
    {
        /// <summary>Whether finite sums came from the same worker, which was alone.</summary>
        public bool IsAnsweredByItself { get; set; }
    }
}
