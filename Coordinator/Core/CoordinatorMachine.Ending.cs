using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Core;

/// <summary>Saving, validating, and the end of the run.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>The step whose validation the shell is at, if any.</summary>
    private Step? _validating;

    private Outcome _outcome;
    private string _why = "";
    private bool _isStopForAll;

    private void OnStopRequested(StopRequested stop, ICollection<CoordinatorOrder> orders)
    {
        _isStopWanted = true;
        _isStopForAll |= stop.ForAll;
        if (_state == State.WaitingForWorkers)
        {
            StartStep(orders);
        }
    }

    /// <summary>Ends in mid-step: the weights are those from before it, and a resumed run does it again.</summary>
    private void AbandonStep(ICollection<CoordinatorOrder> orders)
    {
        ReleaseSums(orders);
        BeginEnding(Outcome.Stopped, "stopped on request, with no worker to finish the step", orders);
    }

    private void OnValidated(Validated validated, ICollection<CoordinatorOrder> orders)
    {
        Invariant.Assert(_validating == validated.Step, "The shell reports a validation only when asked for one.");

        _validating = null;
        if (_state == State.Validating)
        {
            SaveIfDue(orders);
            StartStep(orders);
        }
        else
        {
            GoOnEnding(orders);
        }
    }

    private void OnSaved(Saved saved, ICollection<CoordinatorOrder> orders)
    {
        Invariant.Assert(_checkpoints.IsSaving, "The shell reports a checkpoint only when asked for one.");
        Invariant.Assert(_checkpoints.Has(saved.Step), "One checkpoint is written at a time.");

        _checkpoints.End();
        if (_state == State.Ending)
        {
            GoOnEnding(orders);
        }
    }

    private void BeginEnding(Outcome outcome, string why, ICollection<CoordinatorOrder> orders)
    {
        _outcome = outcome;
        _why = why;
        _state = State.Ending;
        if (outcome == Outcome.Completed && _validations.IsWantedAtEnd(_step))
        {
            ValidateNow(orders);
        }

        GoOnEnding(orders);
    }

    /// <summary>Saves what is not saved, and is over when nothing is under way.</summary>
    private void GoOnEnding(ICollection<CoordinatorOrder> orders)
    {
        if (_validating is not null)
        {
            return;
        }

        if (!_checkpoints.IsSaving && !_checkpoints.Has(_step))
        {
            SaveNow(_outcome == Outcome.Completed ? "end" : "stop", orders);
        }

        if (_checkpoints.IsSaving)
        {
            return;
        }

        // Others wait for the run to be resumed, or for the one that follows.
        if (_outcome == Outcome.Completed ? !_options.KeepsWorkers : _isStopForAll)
        {
            string why = _outcome == Outcome.Completed ? "the run is finished" : "the run was stopped";
            foreach (SessionId worker in _members.Keys)
            {
                Dismiss(worker, why, orders);
            }
        }

        _state = State.Over;
        orders.Add(new Finish(_outcome, _why));
    }

    private void FailStep(ShardRange shards, string why, ICollection<CoordinatorOrder> orders)
    {
        BatchSlice slice = _schedule.At(_step.Value);
        int first = _schedule.ShardSamples(slice, shards.First).First;
        SampleSpan last = _schedule.ShardSamples(slice, shards.End - 1);
        string samples = $"samples {first + 1} to {last.First + last.Count} of epoch {slice.Epoch + 1}";
        Fail($"step {_step.Value + 1}: {why}, in {samples}.", orders);
    }

    /// <summary>Ends at once: what could be saved is saved already.</summary>
    private void Fail(string why, ICollection<CoordinatorOrder> orders)
    {
        if (_state == State.Collecting)
        {
            ReleaseSums(orders);
        }

        _state = State.Over;
        orders.Add(new Finish(Outcome.Failed, why));
    }

    private void ReleaseSums(ICollection<CoordinatorOrder> orders)
    {
        foreach (WorkerMessage.GradientSum sum in _reduction.InTreeOrder)
        {
            Discard(sum, "the step is given up", orders);
        }
    }

    /// <summary>
    /// Saves after a validation of the same step, so that the step's record is complete when it is saved.
    /// </summary>
    private void SaveIfDue(ICollection<CoordinatorOrder> orders)
    {
        if (_checkpoints.IsDue(_step))
        {
            SaveNow($"every {_options.CheckpointEvery} steps", orders);
        }
    }

    private void SaveNow(string why, ICollection<CoordinatorOrder> orders)
    {
        _checkpoints.Begin(_step);
        orders.Add(new Save(_step, why));
    }

    private void ValidateNow(ICollection<CoordinatorOrder> orders)
    {
        _validating = _step;
        _validations.Begin(_step, _now);
        orders.Add(new Validate(_step));
    }
}
