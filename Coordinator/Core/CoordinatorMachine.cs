using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Core;

/// <summary>
/// The coordinator's side of training: who computes what, what counts, when to save, validate and end.
/// </summary>
/// <remarks>
/// <code>
/// state              waits for                                   then
/// Starting           Started                        WaitingForWorkers, or Ending if no step is left
/// WaitingForWorkers  WorkersMin ready workers       Collecting
/// Collecting         sums that cover every shard    Stepping
/// Stepping           Stepped                        Validating, Collecting or Ending
/// Validating         Validated                      Collecting or Ending
/// Ending             Validated, Saved as wanted     Over
/// Over               nothing
/// </code>
/// StopRequested goes to Ending: from Collecting after the step at hand, or at once if no worker is there to finish it.
/// StepFailed, SaveFailed and a step that has diverged go to Over. Workers come and go in every state: a newcomer
/// starts with the next step, unless shards of this one are unassigned or late, because sending it the weights for a
/// part of a step that others are about to finish would cost more than it saves.
/// </remarks>
public sealed partial class CoordinatorMachine : IMachine<CoordinatorReport, CoordinatorOrder>
{
    private readonly Term _term;
    private readonly BatchSchedule _schedule;
    private readonly CoordinatorOptions _options;
    private readonly CheckpointPlan _checkpoints;
    private readonly ValidationPlan _validations;
    private readonly FailureDetector _detector;
    private readonly PacedPlan _plan;

    /// <summary>Everybody who has joined, ready or not, by number: iterated in this order only.</summary>
    private readonly SortedDictionary<SessionId, Member> _members = [];

    /// <summary>Scratch for sums that another one replaces.</summary>
    private readonly List<WorkerMessage.GradientSum> _replaced = [];

    private State _state = State.Starting;
    private Timestamp _now;

    /// <summary>Updates done, so also the version of the weights that the shell holds.</summary>
    private Step _step;
    private bool _isStopWanted;

    /// <summary>A coordinator that starts from the weights of one step.</summary>
    /// <param name="term">Above every term before.</param>
    /// <param name="first">Updates that the weights at hand contain.</param>
    /// <param name="schedule">Steps and shards of the whole run.</param>
    /// <param name="options">Bounds.</param>
    public CoordinatorMachine(Term term, Step first, BatchSchedule schedule, CoordinatorOptions options)
    {
        _term = term;
        _step = first;
        _schedule = schedule;
        _options = options;
        _checkpoints = new CheckpointPlan(options.CheckpointEvery, first);
        _validations = new ValidationPlan(schedule, options.ValidationGapMin, options.HasValidation);
        _detector = new FailureDetector(options.SilenceMax);
        _plan = new PacedPlan(options.PacePeriod);
        _reduction = new StepReduction(new ReductionTree(1));
    }

    private enum State
    {
        Starting,
        WaitingForWorkers,
        Collecting,
        Stepping,
        Validating,
        Ending,
        Over,
    }

    /// <inheritdoc/>
    public Timestamp? NextDeadline { get; private set; }

    /// <summary>Updates done.</summary>
    public Step Step => _step;

    /// <summary>Workers that may get shards.</summary>
    public int WorkersReady { get; private set; }

    /// <summary>Shards that were given out more than once.</summary>
    public long RecomputedShards { get; private set; }

    /// <summary>Sums that did not count.</summary>
    public long DiscardedSums { get; private set; }

    /// <summary>Whether the run is over.</summary>
    public bool IsOver => _state == State.Over;

    /// <summary>The state's name, for people.</summary>
    public string StateName => _state.ToString();

    /// <inheritdoc/>
    public void Handle(CoordinatorReport report, Timestamp now, ICollection<CoordinatorOrder> orders)
    {
        Invariant.Assert(_state != State.Starting || report is Started, "Started comes first.");
        SetTime(now);
        if (_state == State.Over)
        {
            return;
        }

        switch (report)
        {
            case Started: OnStarted(orders); break;
            case WorkerStarted started: OnWorkerStarted(started, orders); break;
            case WorkerHeard heard: OnHeard(heard.Worker); break;
            case WorkerLost lost: OnWorkerLost(lost.Worker, lost.Why, orders); break;
            case Stepped stepped: OnStepped(stepped, orders); break;
            case StepFailed failed: FailStep(new ShardRange(0, _reduction.Tree.ShardCount), failed.Why, orders); break;
            case Validated validated: OnValidated(validated, orders); break;
            case Saved saved: OnSaved(saved, orders); break;
            case SaveFailed failed: Fail($"checkpoint {failed.Step.Value}: {failed.Why}", orders); break;
            case StopRequested stop: OnStopRequested(stop, orders); break;
            case Tick: break;
            default: throw new InvariantException($"Every report has its line; {report.GetType().Name} has none.");
        }

        GoOn(orders);
    }

    /// <summary>Takes what a worker says; it may be wrong, late or repeated, so nothing in it is trusted.</summary>
    /// <param name="from">Who says it.</param>
    /// <param name="message">What it says; its payload is the machine's now.</param>
    /// <param name="now">When; never less than in the call before.</param>
    /// <param name="orders">Receives the orders, in which they are to be performed.</param>
    /// <param name="host">Where the message comes from, for people; matters with a Join.</param>
    public void Handle(
        SessionId from, WorkerMessage message, Timestamp now, ICollection<CoordinatorOrder> orders, string host = "")
    {
        Invariant.Assert(_state != State.Starting, "Started comes first.");
        SetTime(now);
        if (_state == State.Over)
        {
            Discard(message, "the run is over", orders);
            return;
        }

        switch (message)
        {
            case WorkerMessage.Join join: OnJoin(from, join, host, orders); break;
            case WorkerMessage.Ready: OnReady(from, orders); break;
            case WorkerMessage.Heartbeat heartbeat: OnHeartbeat(from, heartbeat, orders); break;
            case WorkerMessage.GradientSum sum: OnGradientSum(from, sum, orders); break;
            case WorkerMessage.Leave: OnLeave(from, orders); break;
            default: throw new InvariantException($"{message.GetType().Name} is no message for a machine.");
        }

        GoOn(orders);
    }

    private void SetTime(Timestamp now)
    {
        Invariant.Assert(now >= _now, "Time does not go back.");
        ForgiveOwnPause(now - _now);
        _now = now;
    }

    /// <summary>What is due after every report and message.</summary>
    private void GoOn(ICollection<CoordinatorOrder> orders)
    {
        if (_state != State.Over)
        {
            DropSilentWorkers(orders);
            TakeBackIfAlone(orders);
            RemindOfMissing(orders);
        }

        if (_state == State.Collecting && WorkersReady > 0)
        {
            AssignShards(orders);
        }
        else if (_state == State.Collecting && _isStopWanted)
        {
            AbandonStep(orders);
        }

        NextDeadline = FindDeadline();
    }

    private void OnStarted(ICollection<CoordinatorOrder> orders)
    {
        Invariant.Assert(_state == State.Starting, "A run starts once.");

        _validations.Begin(step: null, _now);
        _state = State.WaitingForWorkers;
        if (_step.Value >= _schedule.StepsTotal)
        {
            BeginEnding(Outcome.Completed, "all steps were done already", orders);
        }
    }

    /// <summary>
    /// Begins a step if there is one: its shards are unassigned until AssignShards, right after the event.
    /// </summary>
    private void StartStep(ICollection<CoordinatorOrder> orders)
    {
        if (_step.Value >= _schedule.StepsTotal)
        {
            BeginEnding(Outcome.Completed, "all steps are done", orders);
        }
        else if (_isStopWanted)
        {
            BeginEnding(Outcome.Stopped, "stopped on request", orders);
        }
        else
        {
            BeginCollecting(_schedule.At(_step.Value).ShardCount);
            _state = State.Collecting;
        }
    }

    /// <summary>Goes on from the new weights.</summary>
    private void OnStepped(Stepped stepped, ICollection<CoordinatorOrder> orders)
    {
        Invariant.Assert(_state == State.Stepping, "The shell reports a step only when asked for one.");
        Invariant.Assert(stepped.Step == _step, "The shell does the steps in order.");

        _step = _step.Next;
        if (_step.Value < _schedule.StepsTotal && !_isStopWanted && _validations.IsDue(_step, _now))
        {
            ValidateNow(orders);
            _state = State.Validating;
            return;
        }

        if (_step.Value < _schedule.StepsTotal)
        {
            SaveIfDue(orders);
        }

        StartStep(orders);
    }

    private Timestamp? FindDeadline()
    {
        if (_state == State.Over)
        {
            return null;
        }

        // At least once an interval while there is anybody, so that a pause of our own shows as one.
        Timestamp? deadline = _members.Count == 0 ? null : _now + _options.HeartbeatInterval;
        deadline = Timestamp.Earlier(deadline, Timestamp.Earlier(_detector.NextDeadline, _remindAt));
        return _state == State.Collecting ? Timestamp.Earlier(deadline, LateDeadline()) : deadline;
    }

    private static void Discard(WorkerMessage message, string why, ICollection<CoordinatorOrder> orders)
    {
        if (message.Payload is { } payload)
        {
            orders.Add(new Release(payload, why));
        }
    }
}
