using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Experiments;

/// <summary>What experiments need of <c>train</c>, the command, which lies above them.</summary>
internal interface ITrainCommand
{
    /// <summary>The option with this name, without or with its dashes; null if there is none.</summary>
    TrainOption? Find(string name);

    /// <summary>Reads arguments by the rules of <c>train</c>.</summary>
    /// <exception cref="Framework.Errors.ConfigurationException">
    /// They are no options of <c>train</c>, or out of their range.
    /// </exception>
    TrainOptions Parse(IReadOnlyList<string> arguments);

    /// <summary>Trains.</summary>
    /// <exception cref="Framework.Errors.ReportedException">Something that the user can fix.</exception>
    Task<TrainResult> RunAsync(TrainOptions options, ITrainingDisplay display, CancellationToken stop);

    /// <summary>Says of a fault what <c>train</c> would.</summary>
    TrialFault Explain(Exception exception);
}

/// <summary>An option of <c>train</c>.</summary>
/// <param name="Name">With the dashes.</param>
/// <param name="IsSwitch">Whether it has no value.</param>
internal sealed record TrainOption(string Name, bool IsSwitch);

/// <summary>Why a trial failed.</summary>
/// <param name="Text">Cause and remedy, in a line.</param>
/// <param name="IsDiskFull">Whether no other trial will do better.</param>
internal sealed record TrialFault(string Text, bool IsDiskFull);
