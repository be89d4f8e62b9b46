using Akka.Actor;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Models;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>Writes checkpoints beside training, one after the other.</summary>
/// <param name="store">Used by this actor alone.</param>
/// <param name="configuration">Everything that the result depends on, as JSON; goes into every checkpoint.</param>
internal sealed class CheckpointActor(CheckpointStore store, string configuration) : UntypedActor
{
    /// <summary>A snapshot to be written; answered by <see cref="Written"/>, which gives it back.</summary>
    public sealed record Write(CheckpointSnapshot Snapshot);

    /// <summary>A snapshot is on disk, verified; or is not.</summary>
    /// <param name="Snapshot">To be used again.</param>
    /// <param name="Fault">Why it is not on disk; null if it is.</param>
    public sealed record Written(CheckpointSnapshot Snapshot, Exception? Fault)
    {
        /// <summary>Its step.</summary>
        public Step Step => new(checked((int)Snapshot.Step));

        /// <summary>Whether it was kept by its step; else it stands for the best one.</summary>
        public bool IsByStep => Snapshot.KeepByStep;
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is not Write { Snapshot: var snapshot })
        {
            return;
        }

        Exception? fault = null;
        try
        {
            Checkpoint checkpoint = snapshot.ToCheckpoint(configuration);
            if (snapshot.KeepByStep)
            {
                store.Save(checkpoint);
            }

            if (snapshot.Score is { } score)
            {
                store.SaveBest(checkpoint, score);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            fault = exception;
        }

        Sender.Tell(new Written(snapshot, fault));
    }
}

/// <summary>The coordinator's end of its checkpoints: takes snapshots, and knows which are on their way.</summary>
/// <remarks>
/// Two snapshots at most: the machine saves one step at a time, and a new best waits until the one before is written.
/// Each goes through the journal, which flushes first: a checkpoint on disk vouches for the records of its steps.
/// </remarks>
internal sealed class CheckpointRequests(
    Model model, TrainingState state, IActorRef journal, IActorRef checkpoints, IActorRef coordinator)
{
    private readonly CheckpointLayout _layout = TrainingCheckpoint.Layout(model, state);
    private readonly Stack<CheckpointSnapshot> _free = new();
    private EvaluationActor.Evaluated? _waiting;

    /// <summary>Whether a best checkpoint is being written.</summary>
    public bool IsBestUnderWay { get; private set; }

    /// <summary>Whether another one waits for that, and training with it.</summary>
    public bool IsBestWaiting => _waiting is not null;

    /// <summary>Copies the state now, and writes it later.</summary>
    public void Save(Step step) => Post(step, score: null, keepByStep: true);

    /// <summary>Copies the state now if no best one is being written, else when it is.</summary>
    public void SaveBest(EvaluationActor.Evaluated evaluated)
    {
        if (IsBestUnderWay)
        {
            _waiting = evaluated;
            return;
        }

        IsBestUnderWay = true;
        Post(evaluated.Step, evaluated.Evaluation.Score, keepByStep: false);
    }

    /// <summary>Takes a snapshot back; returns the validation that waited for it: its state is copied now.</summary>
    public EvaluationActor.Evaluated? OnWritten(CheckpointActor.Written written)
    {
        _free.Push(written.Snapshot);
        if (written.IsByStep)
        {
            return null;
        }

        IsBestUnderWay = false;
        EvaluationActor.Evaluated? waiting = _waiting;
        _waiting = null;
        if (waiting is not null)
        {
            SaveBest(waiting);
        }

        return waiting;
    }

    private void Post(Step step, double? score, bool keepByStep)
    {
        CheckpointSnapshot snapshot = _free.Count > 0 ? _free.Pop() : new CheckpointSnapshot(_layout);
        snapshot.Reset();
        TrainingCheckpoint.Fill(snapshot, model, state, step.Value);
        snapshot.Score = score;
        snapshot.KeepByStep = keepByStep;
        journal.Tell(new JournalActor.FlushThen(checkpoints, new CheckpointActor.Write(snapshot)), coordinator);
    }
}
