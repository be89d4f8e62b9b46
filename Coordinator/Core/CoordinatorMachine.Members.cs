using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Coordinator.Core;

/// <summary>Who takes part: joining, signs of life, going.</summary>
public sealed partial class CoordinatorMachine
{
    private void OnWorkerJoined(WorkerJoined joined, ICollection<CoordinatorEffect> effects)
    {
        if (_members.ContainsKey(joined.Worker))
        {
            return;
        }

        if (WhyRefused(joined) is { } refusal)
        {
            effects.Add(new Refuse(joined.Worker, refusal.Refusal, refusal.Why));
            return;
        }

        _members.Add(joined.Worker, new Member(joined.Worker, joined.Threads));
        _detector.Heard(joined.Worker, _now);
        effects.Add(new Welcome(joined.Worker, _term));
    }

    /// <summary>Why a worker may not take part, or null if it may. It may say anything, so this never throws.</summary>
    private (Refusal Refusal, string Why)? WhyRefused(WorkerJoined joined) =>
        joined.Version != _options.Version
            ? (Refusal.Version, $"coordinator is version {_options.Version}, worker is {joined.Version}")
        : joined.Numerics != _options.Numerics
            ? (Refusal.Numerics, $"coordinator computes as {_options.Numerics}, worker as {joined.Numerics}")
        : joined.Threads < 1 || joined.Threads > _options.ThreadsMax
            ? (Refusal.Malformed, $"{joined.Threads} threads are not within 1 to {_options.ThreadsMax}")
        : _members.Count >= _options.WorkersMax
            ? (Refusal.Full, $"{_options.WorkersMax} workers are here already")
        : null;

    /// <summary>Makes a worker one that gets shards; the first step begins when enough of them are here.</summary>
    private void OnWorkerReady(WorkerId worker, ICollection<CoordinatorEffect> effects)
    {
        OnWorkerHeard(worker);
        if (!_members.TryGetValue(worker, out Member? member) || member.IsReady)
        {
            return;
        }

        member.IsReady = true;
        WorkersReady++;
        if (_state == State.WaitingForWorkers && WorkersReady >= _options.WorkersMin)
        {
            StartStep(effects);
        }
    }

    /// <summary>Answers, and makes up for a Ready that got lost.</summary>
    private void OnHeartbeatArrived(HeartbeatArrived heartbeat, ICollection<CoordinatorEffect> effects)
    {
        if (!_members.ContainsKey(heartbeat.Worker))
        {
            return;
        }

        effects.Add(new SendHeartbeat(heartbeat.Worker, _term));
        if (heartbeat.IsReady)
        {
            OnWorkerReady(heartbeat.Worker, effects);
        }
        else
        {
            OnWorkerHeard(heartbeat.Worker);
        }
    }

    private void OnWorkerHeard(WorkerId worker)
    {
        if (_members.ContainsKey(worker))
        {
            _detector.Heard(worker, _now);
        }
    }

    private void OnWorkerLeft(WorkerLeft left, ICollection<CoordinatorEffect> effects)
    {
        if (_members.ContainsKey(left.Worker))
        {
            OnWorkerGone(left.Worker);
            effects.Add(new Dismiss(left.Worker, "left"));
        }
    }

    /// <summary>
    /// Makes the worker's missing shards nobody's: GiveOutShards gives them to the others, in this step.
    /// </summary>
    private void OnWorkerGone(WorkerId worker)
    {
        if (!_members.Remove(worker, out Member? member))
        {
            return;
        }

        _detector.Forget(worker);
        WorkersReady -= member.IsReady ? 1 : 0;
        for (int shard = 0; shard < _holders.Length; shard++)
        {
            if (_holders[shard] == worker)
            {
                _holders[shard] = null;
            }
        }
    }

    private void DropSilentWorkers(ICollection<CoordinatorEffect> effects)
    {
        foreach (WorkerId worker in _detector.Silent(_now))
        {
            OnWorkerGone(worker);
            effects.Add(new DropWorker(worker, $"silent for {_options.SilenceMax.TotalSeconds:0.#} s"));
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
            member.OwesSince += pause;
        }

        _stepBegan += pause;
    }
}
