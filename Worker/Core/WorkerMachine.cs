using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerOrder;
using static Distributed.Worker.Core.WorkerReport;

namespace Distributed.Worker.Core;

/// <summary>
/// The worker's side of training: joins, computes the shards it is given, comes back after a cut, drains.
/// </summary>
/// <remarks>
/// <code>
/// state         waits for                            then
/// Starting      Started                              Connecting
///               Engaged                              Waiting
/// Disconnected  the next attempt                     Connecting
/// Connecting    Connected                            Joining
/// Joining       Welcome                              Preparing
/// Preparing     Prepared                             Waiting
/// Waiting       an Assign                            Computing
/// Computing     all sums of its shards               Waiting
/// Draining      Finish, ConnectionLost or DrainMax   Gone
/// Gone          nothing
/// </code>
/// ConnectionLost, or a coordinator silent for too long, goes to Disconnected; Finish, Refuse (also of one that is in),
/// and no coordinator within GiveUpAfter go to Gone. A newer step voids the older one, whether Assign or weights come
/// first: they may travel on different ways. Shards that are asked for again are computed again, unless they are at
/// hand. An engaged worker is in its coordinator's process: it sends no heartbeats and waits for none, and goes to Gone
/// when the coordinator does.
/// </remarks>
public sealed partial class WorkerMachine(WorkerOptions options) : IMachine<WorkerReport, WorkerOrder>
{
    private State _state = State.Starting;
    private Timestamp _now;

    private enum State
    {
        Starting,
        Disconnected,
        Connecting,
        Joining,
        Preparing,
        Waiting,
        Computing,
        Draining,
        Gone,
    }

    /// <inheritdoc/>
    public Timestamp? NextDeadline { get; private set; }

    /// <summary>What the coordinator calls this worker; null before it is in.</summary>
    public SessionId? Worker { get; private set; }

    /// <summary>The state's name, for people.</summary>
    public string StateName => _state.ToString();

    private bool IsIn => _state is State.Preparing or State.Waiting or State.Computing;

    private bool IsReady => _state is State.Waiting or State.Computing;

    /// <inheritdoc/>
    public void Handle(WorkerReport report, Timestamp now, ICollection<WorkerOrder> orders)
    {
        Invariant.Assert(
            _state != State.Starting || report is Started or Engaged, "Started or Engaged comes first.");
        MoveTo(now);
        switch (report)
        {
            case Started: OnStarted(orders); break;
            case Engaged engaged: OnEngaged(engaged); break;
            case Connected: OnConnected(orders); break;
            case ConnectionLost lost: OnConnectionLost(lost, orders); break;
            case Refused refused: OnRefused(refused.Refusal, refused.Why, orders); break;
            case Prepared prepared: OnPrepared(prepared, orders); break;
            case PrepareFailed failed: OnPrepareFailed(failed, orders); break;
            case CoordinatorHeard: _heardAt = now; break;
            case SumCompleted completed: OnSumCompleted(completed.Sum, orders); break;
            case DrainRequested: OnDrainRequested(orders); break;
            case Tick: break;
            default: throw new InvariantException($"Every report has its line; {report.GetType().Name} has none.");
        }

        WatchTheClock(orders);
        NextDeadline = FindDeadline();
    }

    /// <summary>Takes a message of the coordinator; each shows that it is alive.</summary>
    /// <param name="message">No block of data: those are for who asked for them.</param>
    /// <param name="now">When; never less than in the call before.</param>
    /// <param name="orders">Receives the orders, in which they are to be performed.</param>
    public void Handle(CoordinatorMessage message, Timestamp now, ICollection<WorkerOrder> orders)
    {
        Invariant.Assert(_state != State.Starting, "Started or Engaged comes first.");
        MoveTo(now);
        _heardAt = now;
        switch (message)
        {
            case CoordinatorMessage.Welcome welcome: OnWelcome(welcome, orders); break;
            case CoordinatorMessage.Refuse refuse: OnRefused(refuse.Refusal, refuse.Reason, orders); break;
            case CoordinatorMessage.Heartbeat: break;
            case CoordinatorMessage.Weights weights: OnWeights(weights, orders); break;
            case CoordinatorMessage.Assign assign: OnAssign(assign, orders); break;
            case CoordinatorMessage.Finish finish: OnFinish(finish, orders); break;
            default: throw new InvariantException($"{message.GetType().Name} is for others.");
        }

        WatchTheClock(orders);
        NextDeadline = FindDeadline();
    }

    private void MoveTo(Timestamp now)
    {
        Invariant.Assert(now >= _now, "Time does not go back.");
        ForgiveOwnPause(now - _now);
        _now = now;
    }

    private void OnFinish(CoordinatorMessage.Finish finish, ICollection<WorkerOrder> orders)
    {
        if (_state != State.Gone)
        {
            Leave(WorkerOutcome.Done, finish.Reason, orders);
        }
    }

    /// <summary>Tells the coordinator, so that others take over at once; then waits for it to have heard.</summary>
    private void OnDrainRequested(ICollection<WorkerOrder> orders)
    {
        if (_state is State.Draining or State.Gone)
        {
            return;
        }

        if (!IsIn)
        {
            Leave(WorkerOutcome.Done, "drained", orders);
            return;
        }

        ForgetStep(orders);
        orders.Add(new Send(new WorkerMessage.Leave(_term)));
        _state = State.Draining;
        _drainUntil = _now + options.DrainMax;
    }

    private void Leave(WorkerOutcome outcome, string why, ICollection<WorkerOrder> orders)
    {
        ForgetStep(orders);
        _state = State.Gone;
        orders.Add(new Exit(outcome, why));
    }
}
