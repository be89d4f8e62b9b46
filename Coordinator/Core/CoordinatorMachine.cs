using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Coordinator.Core;

/// <summary>
/// The coordinator's side of training: who computes what, what counts, when to save, validate and end.
/// </summary>
/// <remarks>
/// <code>
/// state              waits for                                   then
/// Starting           Started                                     WaitingForWorkers, or Ending if no step is left
/// WaitingForWorkers  WorkersMin ready workers                    Collecting
/// Collecting         sums that cover every shard                  Updating
/// Updating           UpdateApplied                               Validating, Collecting or Ending
/// Validating         ValidationDone                              Collecting or Ending
/// Ending             ValidationDone, CheckpointSaved as wanted   Over
/// Over               nothing
/// </code>
/// StopRequested goes to Ending: from Collecting after the step at hand, or at once if nobody is there to finish it.
/// UpdateFailed and CheckpointFailed go to Over from anywhere. Workers come and go in every state: a newcomer starts
/// with the next step, unless shards of this one are nobody's or late, because sending it the parameters for a part
/// of a step that others are about to finish would cost more than it saves.
/// </remarks>
public sealed partial class CoordinatorMachine : IProtocolMachine<CoordinatorEvent, CoordinatorEffect>
{
    private readonly Term _term;
    private readonly BatchSchedule _schedule;
    private readonly CoordinatorOptions _options;
    private readonly CheckpointPlan _checkpoints;
    private readonly ValidationPlan _validations;
    private readonly FailureDetector _detector;

    /// <summary>Everybody who has joined, ready or not, by number: iterated in this order only.</summary>
    private readonly SortedDictionary<WorkerId, Member> _members = [];

    /// <summary>Scratch for tickets of replaced sums.</summary>
    private readonly List<GradientTicket> _replaced = [];

    private State _state = State.Starting;
    private Timestamp _now;

    /// <summary>Updates done, so also the version of the parameters that the shell holds.</summary>
    private Step _step;
    private bool _isStopWanted;

    /// <summary>A coordinator that starts from the parameters of one step.</summary>
    /// <param name="term">This life's number: above that of every life before.</param>
    /// <param name="first">Updates that the parameters at hand contain.</param>
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
        _round = new StepReduction(new ReductionTree(1));
    }

    private enum State
    {
        Starting,
        WaitingForWorkers,
        Collecting,
        Updating,
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

    /// <summary>The state's name, for people.</summary>
    public string StateName => _state.ToString();

    /// <inheritdoc/>
    public void Handle(CoordinatorEvent @event, Timestamp now, ICollection<CoordinatorEffect> effects)
    {
        Invariant.Assert(now >= _now, "Time does not go back.");
        Invariant.Assert(_state != State.Starting || @event is Started, "Started comes first.");
        ForgiveOwnPause(now - _now);
        _now = now;
        if (_state == State.Over)
        {
            LetGo(@event, effects);
            return;
        }

        switch (@event)
        {
            case Started: OnStarted(effects); break;
            case WorkerJoined joined: OnWorkerJoined(joined, effects); break;
            case WorkerReady ready: OnWorkerReady(ready.Worker, effects); break;
            case HeartbeatArrived heartbeat: OnHeartbeatArrived(heartbeat, effects); break;
            case WorkerHeard heard: OnWorkerHeard(heard.Worker); break;
            case PartialSumArrived arrived: OnPartialSumArrived(arrived, effects); break;
            case WorkerLeft left: OnWorkerLeft(left, effects); break;
            case WorkerLost lost: OnWorkerGone(lost.Worker); break;
            case UpdateApplied applied: OnUpdateApplied(applied, effects); break;
            case UpdateFailed failed: Fail($"step {failed.Step.Value + 1}: {failed.Why}", effects); break;
            case ValidationDone done: OnValidationDone(done, effects); break;
            case CheckpointSaved saved: OnCheckpointSaved(saved, effects); break;
            case CheckpointFailed failed: Fail($"checkpoint {failed.Step.Value}: {failed.Why}", effects); break;
            case StopRequested: OnStopRequested(effects); break;
            case Tick: break;
            default: throw new InvariantException($"Every event has its line; {@event.GetType().Name} has none.");
        }

        if (_state != State.Over)
        {
            DropSilentWorkers(effects);
        }

        if (_state == State.Collecting && WorkersReady > 0)
        {
            GiveOutShards(effects);
        }
        else if (_state == State.Collecting && _isStopWanted)
        {
            AbandonStep(effects);
        }

        NextDeadline = FindDeadline();
    }

    private void OnStarted(ICollection<CoordinatorEffect> effects)
    {
        Invariant.Assert(_state == State.Starting, "A run starts once.");

        _validations.Begin(step: null, _now);
        _state = State.WaitingForWorkers;
        if (_step.Value >= _schedule.StepsTotal)
        {
            BeginEnding(Outcome.Completed, "all steps were done already", effects);
        }
    }

    /// <summary>
    /// Begins a step if there is one: its shards are nobody's until GiveOutShards, right after the event.
    /// </summary>
    private void StartStep(ICollection<CoordinatorEffect> effects)
    {
        if (_step.Value >= _schedule.StepsTotal)
        {
            BeginEnding(Outcome.Completed, "all steps are done", effects);
        }
        else if (_isStopWanted)
        {
            BeginEnding(Outcome.Stopped, "stopped on request", effects);
        }
        else
        {
            BeginShards(_schedule.At(_step.Value).ShardCount);
            _state = State.Collecting;
        }
    }

    /// <summary>Goes on from the new parameters.</summary>
    private void OnUpdateApplied(UpdateApplied applied, ICollection<CoordinatorEffect> effects)
    {
        Invariant.Assert(_state == State.Updating, "The shell reports an update only when asked for one.");
        Invariant.Assert(applied.Step == _step, "The shell does the updates in order.");

        _step = _step.Next;
        if (_step.Value < _schedule.StepsTotal && !_isStopWanted && _validations.IsDue(_step, _now))
        {
            ValidateNow(effects);
            _state = State.Validating;
            return;
        }

        if (_step.Value < _schedule.StepsTotal)
        {
            SaveIfDue(effects);
        }

        StartStep(effects);
    }

    private Timestamp? FindDeadline()
    {
        if (_state == State.Over)
        {
            return null;
        }

        // At least once an interval while there is anybody, so that a pause of our own shows as one.
        Timestamp? deadline = _members.Count == 0 ? null : _now + _options.HeartbeatInterval;
        deadline = Timestamp.Earlier(deadline, _detector.NextDeadline);
        return _state == State.Collecting ? Timestamp.Earlier(deadline, LateDeadline()) : deadline;
    }

    /// <summary>After the end only buffers matter.</summary>
    private static void LetGo(CoordinatorEvent @event, ICollection<CoordinatorEffect> effects)
    {
        if (@event is PartialSumArrived arrived)
        {
            effects.Add(new Discard(arrived.Gradient, "the run is over"));
        }
    }
}
