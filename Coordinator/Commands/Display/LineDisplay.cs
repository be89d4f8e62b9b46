using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>A plain line every few seconds, for files and pipes.</summary>
internal sealed class LineDisplay(TextWriter writer, TimeProvider clock) : TrainingDisplay
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(3);
    private readonly ProgressText _text = new(clock);
    private long? _shownAt;
    private long? _validationShownAt;
    private StepProgress? _hidden;
    private TimeSpan? _left;
    private Evaluation? _evaluation;

    /// <inheritdoc/>
    public override void Note(string line) => writer.WriteLine(line);

    /// <inheritdoc/>
    public override void OnStep(in StepProgress progress)
    {
        _left = _text.TimeLeft(progress);
        if (_shownAt is { } shown && clock.GetElapsedTime(shown) < s_interval)
        {
            _hidden = progress;
            return;
        }

        _shownAt = clock.GetTimestamp();
        Show(progress);
    }

    /// <inheritdoc/>
    public override void OnValidated(int step, Evaluation evaluation)
    {
        // Short epochs would fill the file; what is left out is in metrics.jsonl.
        _evaluation = evaluation;
        if (evaluation.Pictures is null && _validationShownAt is { } shown
            && clock.GetElapsedTime(shown) < s_interval)
        {
            return;
        }

        _validationShownAt = clock.GetTimestamp();
        writer.WriteLine(ProgressText.Validated(step, evaluation));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_hidden is { } progress)
        {
            Show(progress);
        }

        writer.Flush();
    }

    private void Show(in StepProgress progress)
    {
        _hidden = null;
        writer.WriteLine(
            $"step {ProgressText.Step(progress)}  loss {ProgressText.Loss(progress.Loss)}"
            + $"  {ProgressText.Figure(_evaluation)} {ProgressText.Psnr(_evaluation)}"
            + $"  {ProgressText.Speed(progress)} images/s"
            + $"  {WorkerCount.Text(progress.Workers)}  ETA {ProgressText.Left(_left)}");
    }
}
