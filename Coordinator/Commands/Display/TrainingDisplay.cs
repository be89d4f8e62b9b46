using Distributed.Coordinator.Actors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>Shows a run until it is disposed of.</summary>
internal abstract class TrainingDisplay : ITrainingDisplay, IDisposable
{
    /// <summary>The one that fits where people read: a table on a terminal, else lines.</summary>
    public static TrainingDisplay Create(CommandContext context, bool json)
    {
        bool isTerminal = json ? context.IsErrorTerminal : context.IsOutputTerminal;
        return isTerminal
            ? new LiveDisplay(context.Human(json), context.Clock, context.NoColor)
            : new LineDisplay(context.Human(json), context.Clock);
    }

    /// <inheritdoc/>
    public abstract void Note(string line);

    /// <inheritdoc/>
    public abstract void OnStep(in StepProgress progress);

    /// <inheritdoc/>
    public abstract void OnValidated(int step, Evaluation evaluation);

    /// <summary>Shows what is not shown yet, and lets the terminal go.</summary>
    public abstract void Dispose();
}
