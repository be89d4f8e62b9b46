using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>When to save: after every so many steps, and what the run ends with. One save at a time.</summary>
/// <param name="every">Steps between saves; 0 saves only at the end.</param>
/// <param name="first">The step that the run starts from: on disk already, or nothing worth saving.</param>
public sealed class CheckpointPlan(int every, Step first)
{
    private Step _begun = first;

    /// <summary>Whether the shell is at it.</summary>
    public bool IsSaving { get; private set; }

    /// <summary>
    /// Whether to save now. A step whose turn comes while the one before is still being written is saved when that
    /// is done: a slow disk means fewer checkpoints, never a queue of them.
    /// </summary>
    public bool IsDue(Step step) => every > 0 && !IsSaving && step.Value / every > _begun.Value / every;

    /// <summary>Whether this step is on disk or on its way there.</summary>
    public bool Has(Step step) => _begun == step;

    public void Begin(Step step)
    {
        _begun = step;
        IsSaving = true;
    }

    public void End() => IsSaving = false;
}
