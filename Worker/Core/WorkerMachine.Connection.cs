using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Worker.Core;

/// <summary>Finds the coordinator, joins it, notices that it is gone.</summary>
public sealed partial class WorkerMachine
{
    private const int DoublingsMax = 16;

    /// <summary>Of the coordinator that this worker joined; messages of other terms are void.</summary>
    private Term _term;
    private TimeSpan _heartbeatInterval = TimeSpan.FromSeconds(1);
    private Timestamp _nextHeartbeat;

    /// <summary>When the coordinator was last heard, or when this attempt began.</summary>
    private Timestamp _heardAt;
    private Timestamp _retryAt;
    private Timestamp _drainUntil;

    /// <summary>When the last coordinator was lost.</summary>
    private Timestamp _aloneSince;

    /// <summary>Attempts since this worker last joined.</summary>
    private int _attempts;

    /// <summary>Whether the coordinator lives in the same process.</summary>
    private bool _isEngaged;

    private void OnStarted(ICollection<WorkerOrder> orders)
    {
        Invariant.Assert(_state == State.Starting, "A worker starts once.");

        _aloneSince = _now;
        StartConnecting(orders);
    }

    private void OnEngaged(Engaged engaged)
    {
        Invariant.Assert(_state == State.Starting, "A worker starts once.");

        _isEngaged = true;
        _term = engaged.Term;
        Worker = engaged.Worker;
        _state = State.Waiting;
    }

    private void StartConnecting(ICollection<WorkerOrder> orders)
    {
        _attempts++;
        _heardAt = _now;
        _state = State.Connecting;
        orders.Add(new Connect());
    }

    private void OnConnected(ICollection<WorkerOrder> orders)
    {
        if (_state != State.Connecting)
        {
            return;
        }

        _heardAt = _now;
        _state = State.Joining;
        orders.Add(new Send(options.Identity));
    }

    private void OnConnectionLost(ConnectionLost lost, ICollection<WorkerOrder> orders)
    {
        if (_state == State.Draining)
        {
            Leave(WorkerOutcome.Done, "drained", orders);
        }
        else if (_isEngaged && IsIn)
        {
            Leave(WorkerOutcome.Done, lost.Why, orders);
        }
        else if (_state is State.Connecting or State.Joining || IsIn)
        {
            Lose(orders);
        }
    }

    private void OnRefused(Refusal refusal, string why, ICollection<WorkerOrder> orders)
    {
        if (_state is State.Connecting or State.Joining || IsIn)
        {
            bool isOther = refusal is Refusal.Version or Refusal.Numerics;
            Leave(isOther ? WorkerOutcome.VersionMismatch : WorkerOutcome.CannotJoin, why, orders);
        }
    }

    private void OnWelcome(CoordinatorMessage.Welcome welcome, ICollection<WorkerOrder> orders)
    {
        if (_state != State.Joining)
        {
            return;
        }

        _term = welcome.Term;
        Worker = welcome.Worker;
        _heartbeatInterval = welcome.HeartbeatInterval;
        _nextHeartbeat = _now + _heartbeatInterval;
        _heardAt = _now;
        _attempts = 0;
        _state = State.Preparing;
        orders.Add(new Prepare(_term, welcome.Plan));
    }

    private void OnPrepared(Prepared prepared, ICollection<WorkerOrder> orders)
    {
        if (_state != State.Preparing || prepared.Term != _term)
        {
            return;
        }

        _state = State.Waiting;
        orders.Add(new Send(new WorkerMessage.Ready(_term)));
    }

    private void OnPrepareFailed(PrepareFailed failed, ICollection<WorkerOrder> orders)
    {
        if (IsIn && failed.Term == _term)
        {
            orders.Add(new Send(new WorkerMessage.Leave(_term)));
            Leave(failed.IsDiskFull ? WorkerOutcome.DiskFull : WorkerOutcome.Failed, failed.Why, orders);
        }
    }

    /// <summary>Gives up this connection; the next attempt comes after a wait that doubles, with jitter.</summary>
    private void Lose(ICollection<WorkerOrder> orders)
    {
        ForgetStep(orders);
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

    private void WatchTheClock(ICollection<WorkerOrder> orders)
    {
        bool isLinked = !_isEngaged && (_state is State.Connecting or State.Joining || IsIn);
        if (isLinked && _now >= _heardAt + options.SilenceMax)
        {
            orders.Add(new Disconnect($"silent for {options.SilenceMax.TotalSeconds:0.#} s"));
            Lose(orders);
        }

        if (isLinked && IsIn && _now >= _nextHeartbeat)
        {
            orders.Add(new Send(new WorkerMessage.Heartbeat(_term, IsReady)));
            _nextHeartbeat = _now + _heartbeatInterval;
        }

        if (_state == State.Draining && _now >= _drainUntil)
        {
            Leave(WorkerOutcome.Done, "drained, without an answer", orders);
        }

        bool isAlone = _state is State.Disconnected or State.Connecting or State.Joining;
        if (isAlone && _now >= _aloneSince + options.GiveUpAfter)
        {
            string time = $"{options.GiveUpAfter.TotalSeconds:0.#} s";
            Leave(WorkerOutcome.CannotJoin, $"no coordinator for {time}", orders);
        }
        else if (_state == State.Disconnected && _now >= _retryAt)
        {
            StartConnecting(orders);
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
            State.Draining => _drainUntil,
            _ when IsIn && !_isEngaged => Timestamp.Earlier(silence, _nextHeartbeat),
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
