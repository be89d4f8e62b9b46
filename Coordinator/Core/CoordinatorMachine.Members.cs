using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Core;

/// <summary>Who takes part: joining, signs of life, going.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>A worker of this process needs no welcome: it is a member, and ready.</summary>
    private void OnWorkerStarted(WorkerStarted started, ICollection<CoordinatorOrder> orders)
    {
        _members.Add(started.Worker, new Member(started.Worker, started.Threads));
        OnReady(started.Worker, orders);
    }

    private void OnJoin(SessionId from, WorkerMessage.Join join, ICollection<CoordinatorOrder> orders)
    {
        if (_members.ContainsKey(from))
        {
            return;
        }

        if (WhyRefused(join) is { } refusal)
        {
            orders.Add(new Send(from, new CoordinatorMessage.Refuse(refusal.Refusal, refusal.Why)));
            orders.Add(new Close(from, $"refused: {refusal.Why}"));
            return;
        }

        _members.Add(from, new Member(from, join.Threads));
        _detector.Heard(from, _now);
        orders.Add(new Send(
            from, new CoordinatorMessage.Welcome(_term, from, _options.Plan, _options.HeartbeatInterval)));
    }

    /// <summary>Why a worker may not take part, or null if it may. It may say anything, so this never throws.</summary>
    private (Refusal Refusal, string Why)? WhyRefused(WorkerMessage.Join join) =>
        join.Version != _options.Version
            ? (Refusal.Version, $"coordinator is version {_options.Version}, worker is {join.Version}")
        : join.Numerics != _options.Numerics
            ? (Refusal.Numerics, $"coordinator computes as {_options.Numerics}, worker as {join.Numerics}")
        : join.Threads < 1 || join.Threads > _options.ThreadsMax
            ? (Refusal.Malformed, $"{join.Threads} threads are not within 1 to {_options.ThreadsMax}")
        : _members.Count >= _options.WorkersMax
            ? (Refusal.Full, $"{_options.WorkersMax} workers are here already")
        : null;

    /// <summary>Makes a worker one that gets shards; the first step begins when enough of them are here.</summary>
    private void OnReady(SessionId worker, ICollection<CoordinatorOrder> orders)
    {
        OnHeard(worker);
        if (!_members.TryGetValue(worker, out Member? member) || member.IsReady)
        {
            return;
        }

        member.IsReady = true;
        WorkersReady++;
        if (_state == State.WaitingForWorkers && WorkersReady >= _options.WorkersMin)
        {
            StartStep(orders);
        }
    }

    /// <summary>Answers, and makes up for a Ready that got lost.</summary>
    private void OnHeartbeat(SessionId from, WorkerMessage.Heartbeat heartbeat, ICollection<CoordinatorOrder> orders)
    {
        if (!_members.ContainsKey(from))
        {
            return;
        }

        orders.Add(new Send(from, new CoordinatorMessage.Heartbeat(_term)));
        if (heartbeat.IsReady)
        {
            OnReady(from, orders);
        }
        else
        {
            OnHeard(from);
        }
    }

    /// <summary>Only who was heard before is watched: workers of this process are not.</summary>
    private void OnHeard(SessionId worker)
    {
        if (_detector.Watches(worker))
        {
            _detector.Heard(worker, _now);
        }
    }

    private void OnLeave(SessionId from, ICollection<CoordinatorOrder> orders)
    {
        if (_members.ContainsKey(from))
        {
            OnWorkerGone(from);
            Dismiss(from, "left", orders);
        }
    }

    /// <summary>Tells a worker that it may exit.</summary>
    private static void Dismiss(SessionId worker, string why, ICollection<CoordinatorOrder> orders)
    {
        orders.Add(new Send(worker, new CoordinatorMessage.Finish(why)));
        orders.Add(new Close(worker, why));
    }

    /// <summary>
    /// Makes the worker's missing shards nobody's: AssignShards gives them to the others, in this step.
    /// </summary>
    private void OnWorkerGone(SessionId worker)
    {
        if (!_members.Remove(worker, out Member? member))
        {
            return;
        }

        _detector.Forget(worker);
        WorkersReady -= member.IsReady ? 1 : 0;
        for (int shard = 0; shard < _assignees.Length; shard++)
        {
            if (_assignees[shard] == worker)
            {
                _assignees[shard] = null;
            }
        }
    }

    private void DropSilentWorkers(ICollection<CoordinatorOrder> orders)
    {
        foreach (SessionId worker in _detector.Silent(_now))
        {
            OnWorkerGone(worker);
            orders.Add(new Close(worker, $"silent for {_options.SilenceMax.TotalSeconds:0.#} s"));
        }
    }

    /// <summary>
    /// A machine that was asleep (a suspended laptop, a debugger) has not heard anybody for that long; those who wait
    /// in its mailbox must not be given up or called late for it.
    /// </summary>
    private void ForgiveOwnPause(TimeSpan gap)
    {
        TimeSpan pause = gap - _options.HeartbeatInterval;
        if (_members.Count == 0 || pause <= _options.HeartbeatInterval)
        {
            return;
        }

        _detector.Forgive(pause);
        foreach (Member member in _members.Values)
        {
            member.PendingSince += pause;
        }

        _stepBegan += pause;
    }
}
