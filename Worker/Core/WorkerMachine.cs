using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Worker.Core.WorkerEffect;
using static Distributed.Worker.Core.WorkerEvent;

namespace Distributed.Worker.Core;

/// <summary>
/// The worker's side of training: joins, computes the shards it is given, comes back after a cut, drains.
/// </summary>
/// <remarks>
/// <code>
/// state         waits for                              then
/// Starting      Started                                Connecting
/// Disconnected  the next attempt                       Connecting
/// Connecting    Connected                              Joining
/// Joining       Welcomed                               Preparing
/// Preparing     Prepared                               Waiting
/// Waiting       an Assign                              Computing
/// Computing     all sums of its shards                 Waiting
/// Draining      Finished, ConnectionLost or DrainMax   Gone
/// Gone          nothing
/// </code>
/// ConnectionLost, or a coordinator silent for too long, goes to Disconnected; Finished, Refused, and no coordinator
/// within GiveUpAfter go to Gone. A newer step voids the older one, whether Assign or parameters come first: they
/// travel on different planes. Shards that are asked for again are computed again, unless they are at hand.
/// </remarks>
public sealed partial class WorkerMachine(WorkerOptions options)
    : IProtocolMachine<WorkerEvent, WorkerEffect>
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
    public WorkerId? Worker { get; private set; }

    /// <summary>The state's name, for people.</summary>
    public string StateName => _state.ToString();

    private bool IsIn => _state is State.Preparing or State.Waiting or State.Computing;

    private bool IsReady => _state is State.Waiting or State.Computing;

    /// <inheritdoc/>
    public void Handle(WorkerEvent @event, Timestamp now, ICollection<WorkerEffect> effects)
    {
        Invariant.Assert(now >= _now, "Time does not go back.");
        Invariant.Assert(_state != State.Starting || @event is Started, "Started comes first.");
        ForgiveOwnPause(now - _now);
        _now = now;
        switch (@event)
        {
            case Started: OnStarted(effects); break;
            case Connected: OnConnected(effects); break;
            case ConnectionLost lost: OnConnectionLost(lost, effects); break;
            case Refused refused: OnRefused(refused, effects); break;
            case Welcomed welcomed: OnWelcomed(welcomed, effects); break;
            case Prepared prepared: OnPrepared(prepared, effects); break;
            case PrepareFailed failed: OnPrepareFailed(failed, effects); break;
            case CoordinatorHeard: _heardAt = now; break;
            case ParametersArrived arrived: OnParametersArrived(arrived, effects); break;
            case Assigned assigned: OnAssigned(assigned, effects); break;
            case SumReady ready: OnSumReady(ready, effects); break;
            case Finished finished: OnFinished(finished, effects); break;
            case DrainRequested: OnDrainRequested(effects); break;
            case Tick: break;
            default: throw new InvariantException($"Every event has its line; {@event.GetType().Name} has none.");
        }

        WatchTheClock(effects);
        NextDeadline = FindDeadline();
    }

    private void OnFinished(Finished finished, ICollection<WorkerEffect> effects)
    {
        if (_state != State.Gone)
        {
            Leave(WorkerOutcome.Done, finished.Why, effects);
        }
    }

    /// <summary>Tells the coordinator, so that others take over at once; then waits for it to have heard.</summary>
    private void OnDrainRequested(ICollection<WorkerEffect> effects)
    {
        if (_state is State.Draining or State.Gone)
        {
            return;
        }

        if (!IsIn)
        {
            Leave(WorkerOutcome.Done, "drained", effects);
            return;
        }

        ForgetStep(effects);
        effects.Add(new SendLeave(_term));
        _state = State.Draining;
        _drainUntil = _now + options.DrainMax;
    }

    private void Leave(WorkerOutcome outcome, string why, ICollection<WorkerEffect> effects)
    {
        ForgetStep(effects);
        _state = State.Gone;
        effects.Add(new Exit(outcome, why));
    }
}
