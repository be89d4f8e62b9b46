using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Worker.Core;

/// <summary>Finding the coordinator, being taken in, noticing that it is gone.</summary>
public sealed partial class WorkerMachine
{
    private const int DoublingsMax = 16;

    /// <summary>The coordinator's life that took this worker in; messages of others are void.</summary>
    private Term _term;
    private TimeSpan _heartbeatInterval = TimeSpan.FromSeconds(1);
    private Timestamp _nextHeartbeat;

    /// <summary>Last sign of life of the coordinator, or when this attempt began.</summary>
    private Timestamp _heardAt;
    private Timestamp _retryAt;
    private Timestamp _drainUntil;

    /// <summary>When the last coordinator was lost.</summary>
    private Timestamp _aloneSince;

    /// <summary>Attempts since a coordinator last took this worker in.</summary>
    private int _attempts;

    private void OnStarted(ICollection<WorkerEffect> effects)
    {
        Invariant.Assert(_state == State.Starting, "A worker starts once.");

        _aloneSince = _now;
        StartConnecting(effects);
    }

    private void StartConnecting(ICollection<WorkerEffect> effects)
    {
        _attempts++;
        _heardAt = _now;
        _state = State.Connecting;
        effects.Add(new Connect());
    }

    private void OnConnected(ICollection<WorkerEffect> effects)
    {
        if (_state != State.Connecting)
        {
            return;
        }

        _heardAt = _now;
        _state = State.Joining;
        effects.Add(new SendJoin());
    }

    private void OnConnectionLost(ConnectionLost lost, ICollection<WorkerEffect> effects)
    {
        if (_state == State.Draining)
        {
            Leave(WorkerOutcome.Done, "drained", effects);
        }
        else if (_state is State.Connecting or State.Joining || IsIn)
        {
            Lose(effects);
        }
    }

    private void OnRefused(Refused refused, ICollection<WorkerEffect> effects)
    {
        if (_state is State.Connecting or State.Joining)
        {
            bool isOther = refused.Refusal is Refusal.Version or Refusal.Numerics;
            Leave(isOther ? WorkerOutcome.VersionMismatch : WorkerOutcome.CannotJoin, refused.Why, effects);
        }
    }

    private void OnWelcomed(Welcomed welcomed, ICollection<WorkerEffect> effects)
    {
        if (_state != State.Joining)
        {
            return;
        }

        _term = welcomed.Term;
        Worker = welcomed.Worker;
        _heartbeatInterval = welcomed.HeartbeatInterval;
        _nextHeartbeat = _now + _heartbeatInterval;
        _heardAt = _now;
        _attempts = 0;
        _state = State.Preparing;
        effects.Add(new Prepare(_term, welcomed.Plan));
    }

    private void OnPrepared(Prepared prepared, ICollection<WorkerEffect> effects)
    {
        if (_state != State.Preparing || prepared.Term != _term)
        {
            return;
        }

        _state = State.Waiting;
        effects.Add(new SendReady(_term));
    }

    private void OnPrepareFailed(PrepareFailed failed, ICollection<WorkerEffect> effects)
    {
        if (_state == State.Preparing && failed.Term == _term)
        {
            effects.Add(new SendLeave(_term));
            Leave(WorkerOutcome.Failed, failed.Why, effects);
        }
    }

    /// <summary>Gives up this link; the next attempt comes after a wait that doubles, with jitter.</summary>
    private void Lose(ICollection<WorkerEffect> effects)
    {
        ForgetStep(effects);
        if (IsIn)
        {
            _aloneSince = _now;
        }

        TimeSpan wait = options.RetryMin * (1L << Math.Min(_attempts, DoublingsMax));
        wait = wait < options.RetryMax ? wait : options.RetryMax;
        _retryAt = _now + (wait * (0.5 + (options.Jitter(_attempts) / 2)));
        _state = State.Disconnected;
        Worker = null;
    }

    private void WatchTheClock(ICollection<WorkerEffect> effects)
    {
        bool isLinked = _state is State.Connecting or State.Joining || IsIn;
        if (isLinked && _now >= _heardAt + options.SilenceMax)
        {
            effects.Add(new Disconnect($"silent for {options.SilenceMax.TotalSeconds:0.#} s"));
            Lose(effects);
        }

        if (IsIn && _now >= _nextHeartbeat)
        {
            effects.Add(new SendHeartbeat(_term, IsReady));
            _nextHeartbeat = _now + _heartbeatInterval;
        }

        if (_state == State.Draining && _now >= _drainUntil)
        {
            Leave(WorkerOutcome.Done, "drained, without an answer", effects);
        }

        bool isAlone = _state is State.Disconnected or State.Connecting or State.Joining;
        if (isAlone && _now >= _aloneSince + options.GiveUpAfter)
        {
            string time = $"{options.GiveUpAfter.TotalSeconds:0.#} s";
            Leave(WorkerOutcome.CannotJoin, $"no coordinator for {time}", effects);
        }
        else if (_state == State.Disconnected && _now >= _retryAt)
        {
            StartConnecting(effects);
        }
    }

    private Timestamp? FindDeadline()
    {
        Timestamp silence = _heardAt + options.SilenceMax;
        Timestamp alone = _aloneSince + options.GiveUpAfter;
        return _state switch
        {
            State.Disconnected => Timestamp.Earlier(_retryAt, alone),
            State.Connecting or State.Joining => Timestamp.Earlier(silence, alone),
            State.Preparing or State.Waiting or State.Computing => Timestamp.Earlier(silence, _nextHeartbeat),
            State.Draining => _drainUntil,
            _ => null,
        };
    }

    /// <summary>
    /// A worker that was stopped for a while has not heard the coordinator, which may wait in its mailbox.
    /// </summary>
    private void ForgiveOwnPause(TimeSpan gap)
    {
        if (IsIn && gap > _heartbeatInterval * 2)
        {
            _heardAt += gap - _heartbeatInterval;
        }
    }
}
