using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Core;

/// <summary>Who takes part: joining, heartbeats, going.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>A worker of this process needs no welcome: it is a member, and ready.</summary>
    private void OnWorkerStarted(WorkerStarted started, ICollection<CoordinatorOrder> orders)
    {
        string name = FindName($"local-{started.Worker.Value}");
        _members.Add(started.Worker, new Member(started.Worker, started.Threads, name, host: "", incarnation: null));
        OnReady(started.Worker, orders);
    }

    private void OnJoin(SessionId from, WorkerMessage.Join join, string host, ICollection<CoordinatorOrder> orders)
    {
        if (_members.ContainsKey(from))
        {
            return;
        }

        // A process that joins again has lost its connection, even if that has not been noticed here.
        if (_members.Values.FirstOrDefault(member => member.Incarnation == join.Incarnation) is { } before)
        {
            Drop(before.Worker, "it joins again", orders);
        }

        if (WhyRefused(join) is { } refusal)
        {
            Refuse(from, refusal.Refusal, refusal.Why, orders);
            Member refused = new(from, join.Threads, join.Name, host, join.Incarnation);
            Say(refused, $"is refused ({refusal.Why})", orders);
            return;
        }

        string asked = Printable(join.Name);
        Member joined = new(from, join.Threads, FindName(asked), host, join.Incarnation);
        if (joined.Name != asked)
        {
            orders.Add(new Announce($"Another {asked} joins: it is called {joined.Name}"));
        }

        _members.Add(from, joined);
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
        : _keptOut.Contains(join.Incarnation)
            ? (Refusal.NotFinite, "its sums were not finite, those of another worker were")
        : null;

    private static void Refuse(SessionId worker, Refusal refusal, string why, ICollection<CoordinatorOrder> orders)
    {
        orders.Add(new Send(worker, new CoordinatorMessage.Refuse(refusal, why)));
        orders.Add(new Close(worker, $"refused: {why}"));
    }

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
        if (!member.IsLocal)
        {
            Say(member, "joined", orders);
        }

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
        if (Remove(from) is { } member)
        {
            Dismiss(from, "left", orders);
            Say(member, "left", orders);
        }
    }

    /// <summary>Tells a worker that it may exit.</summary>
    private static void Dismiss(SessionId worker, string why, ICollection<CoordinatorOrder> orders)
    {
        orders.Add(new Send(worker, new CoordinatorMessage.Finish(why)));
        orders.Add(new Close(worker, why));
    }

    /// <summary>A worker's connection is gone.</summary>
    private void OnWorkerLost(SessionId worker, string why, ICollection<CoordinatorOrder> orders)
    {
        if (Remove(worker) is { IsLocal: false } member)
        {
            Say(member, $"is gone ({why})", orders);
        }
    }

    /// <summary>Gives a worker up whose connection is still there.</summary>
    private void Drop(SessionId worker, string why, ICollection<CoordinatorOrder> orders)
    {
        OnWorkerLost(worker, why, orders);
        orders.Add(new Close(worker, why));
    }

    private void DropSilentWorkers(ICollection<CoordinatorOrder> orders)
    {
        foreach (SessionId worker in _detector.Silent(_now))
        {
            Drop(worker, $"silent for {_options.SilenceMax.TotalSeconds:0.#} s", orders);
        }
    }

    private Member? Remove(SessionId worker)
    {
        if (_members.Remove(worker, out Member? member))
        {
            _detector.Forget(worker);
            MakeUnready(member);
        }

        return member;
    }

    /// <summary>Unassigns the worker's shards: AssignShards gives them to the others, in this step.</summary>
    private void MakeUnready(Member member)
    {
        WorkersReady -= member.IsReady ? 1 : 0;
        member.IsReady = false;
        for (int shard = 0; shard < _assignees.Length; shard++)
        {
            if (_assignees[shard] == member.Worker)
            {
                _assignees[shard] = null;
            }
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
            member.Pace.Forgive(pause);
        }

        _stepBegan += pause;
    }
}
