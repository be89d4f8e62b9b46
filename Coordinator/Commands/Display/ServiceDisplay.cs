using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>Shows a run to the service manager too: ready with its first line, and a step every few seconds.</summary>
internal sealed class ServiceDisplay(ITrainingDisplay inner, ServiceManager service, TimeProvider clock)
    : ITrainingDisplay
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);
    private long? _saidAt;

    /// <inheritdoc/>
    public void Note(string line)
    {
        inner.Note(line);
        service.Ready(line);
    }

    /// <inheritdoc/>
    public void OnStep(in StepProgress progress)
    {
        inner.OnStep(progress);
        if (_saidAt is null || clock.GetElapsedTime(_saidAt.Value) >= s_interval)
        {
            _saidAt = clock.GetTimestamp();
            service.Ready($"step {ProgressText.Step(progress)}, {ProgressText.Speed(progress)} images/s, "
                + $"{WorkerCount.Text(progress.Workers)}");
        }
    }

    /// <inheritdoc/>
    public void OnValidated(int step, Evaluation evaluation) => inner.OnValidated(step, evaluation);
}
