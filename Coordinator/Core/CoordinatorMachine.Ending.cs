using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorEffect;
using static Distributed.Coordinator.Core.CoordinatorEvent;

namespace Distributed.Coordinator.Core;

/// <summary>Saving, validating, and the end of the run.</summary>
public sealed partial class CoordinatorMachine
{
    /// <summary>The step whose validation the shell is at, if any.</summary>
    private Step? _validating;

    private Outcome _outcome;
    private string _why = "";

    private void OnStopRequested(ICollection<CoordinatorEffect> effects)
    {
        _isStopWanted = true;
        if (_state == State.WaitingForWorkers)
        {
            StartStep(effects);
        }
    }

    /// <summary>Ends in mid-step: the parameters are those from before it, and a resumed run does it again.</summary>
    private void AbandonStep(ICollection<CoordinatorEffect> effects)
    {
        ReleaseRound(effects);
        BeginEnding(Outcome.Stopped, "stopped on request, with nobody to finish the step", effects);
    }

    private void OnValidationDone(ValidationDone done, ICollection<CoordinatorEffect> effects)
    {
        Invariant.Assert(_validating == done.Step, "The shell reports a validation only when asked for one.");

        _validating = null;
        if (_state == State.Validating)
        {
            SaveIfDue(effects);
            StartStep(effects);
        }
        else
        {
            GoOnEnding(effects);
        }
    }

    private void OnCheckpointSaved(CheckpointSaved saved, ICollection<CoordinatorEffect> effects)
    {
        Invariant.Assert(_checkpoints.IsSaving, "The shell reports a checkpoint only when asked for one.");
        Invariant.Assert(_checkpoints.Has(saved.Step), "One checkpoint is written at a time.");

        _checkpoints.End();
        if (_state == State.Ending)
        {
            GoOnEnding(effects);
        }
    }

    private void BeginEnding(Outcome outcome, string why, ICollection<CoordinatorEffect> effects)
    {
        _outcome = outcome;
        _why = why;
        _state = State.Ending;
        if (outcome == Outcome.Completed && _validations.IsWantedAtEnd(_step))
        {
            ValidateNow(effects);
        }

        GoOnEnding(effects);
    }

    /// <summary>Saves what is not saved, and is over when nothing is under way.</summary>
    private void GoOnEnding(ICollection<CoordinatorEffect> effects)
    {
        if (_validating is not null)
        {
            return;
        }

        if (!_checkpoints.IsSaving && !_checkpoints.Has(_step))
        {
            SaveNow(_outcome == Outcome.Completed ? "end" : "stop", effects);
        }

        if (_checkpoints.IsSaving)
        {
            return;
        }

        // Workers of a run that was only stopped wait for it to be resumed, others for the run that follows.
        if (_outcome == Outcome.Completed && !_options.KeepsWorkers)
        {
            foreach (WorkerId worker in _members.Keys)
            {
                effects.Add(new Dismiss(worker, "the run is finished"));
            }
        }

        _state = State.Over;
        effects.Add(new Finish(_outcome, _why));
    }

    /// <summary>Ends at once: what could be saved is saved already.</summary>
    private void Fail(string why, ICollection<CoordinatorEffect> effects)
    {
        if (_state == State.Collecting)
        {
            ReleaseRound(effects);
        }

        _state = State.Over;
        effects.Add(new Finish(Outcome.Failed, why));
    }

    private void ReleaseRound(ICollection<CoordinatorEffect> effects)
    {
        foreach (AcceptedSum sum in _round.InTreeOrder)
        {
            effects.Add(new Release(sum.Gradient));
        }
    }

    /// <summary>
    /// Saves after a validation of the same step, so that the step's record is complete when it is saved.
    /// </summary>
    private void SaveIfDue(ICollection<CoordinatorEffect> effects)
    {
        if (_checkpoints.IsDue(_step))
        {
            SaveNow($"every {_options.CheckpointEvery} steps", effects);
        }
    }

    private void SaveNow(string why, ICollection<CoordinatorEffect> effects)
    {
        _checkpoints.Begin(_step);
        effects.Add(new SaveCheckpoint(_step, why));
    }

    private void ValidateNow(ICollection<CoordinatorEffect> effects)
    {
        _validating = _step;
        _validations.Begin(_step, _now);
        effects.Add(new Validate(_step));
    }
}
