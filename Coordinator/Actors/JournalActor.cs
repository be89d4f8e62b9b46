using Akka.Actor;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Actors;

/// <summary>Where the records of a run go.</summary>
/// <param name="Job">What is trained.</param>
/// <param name="First">Updates that were done before this life.</param>
/// <param name="Display">Shown to people, by this actor's thread alone.</param>
/// <param name="Metrics">Told what is worth an instrument.</param>
internal sealed record JournalSettings(
    TrainingJob Job, int First, ITrainingDisplay Display, RunMetrics Metrics)
{
    /// <summary>Opens metrics.jsonl; null to keep none.</summary>
    public Func<MetricsLog>? OpenLog { get; init; }

    /// <summary>Opens the TensorBoard events; null to keep none.</summary>
    public Func<TensorBoardWriter>? OpenEvents { get; init; }
}

/// <summary>Writes down and shows what happens: metrics, TensorBoard events, the display. One thread.</summary>
/// <remarks>
/// All that people see of a run while it goes on passes through here, so no two ever write to the terminal at once.
/// The line of the last step is kept back until the next one, so that a validation can join it.
/// </remarks>
internal sealed class JournalActor : UntypedActor
{
    /// <summary>Weight of the newest step in the smoothed speed.</summary>
    private const double Smoothing = 0.1;

    private readonly JournalSettings _settings;
    private readonly TrainingJob _job;
    private readonly MetricsLog? _log;
    private readonly TensorBoardWriter? _events;
    private StepMetrics? _pending;
    private StepResult? _last;
    private StepTimes _times;
    private int _steps;
    private long _images;
    private Evaluation? _evaluation;
    private Preview? _preview;
    private double _smoothedSpeed;
    private double _epochLoss;
    private double _epochElements;

    /// <summary>Opens the records.</summary>
    public JournalActor(JournalSettings settings)
    {
        _settings = settings;
        _job = settings.Job;
        _log = settings.OpenLog?.Invoke();
        _events = settings.OpenEvents?.Invoke();
    }

    /// <summary>Something worth a line.</summary>
    public sealed record Note(string Line);

    /// <summary>Steps that are done, in their order.</summary>
    public sealed record Steps(IReadOnlyList<StepResult> Results);

    /// <summary>So many workers take part now.</summary>
    public sealed record Workers(int Count);

    /// <summary>Answers Note, Steps, Workers and Evaluated when they are written and shown.</summary>
    public sealed record Taken(object Message);

    /// <summary>Writes out what is gathered, then passes a message on in the sender's name.</summary>
    public sealed record FlushThen(IActorRef Target, object Message);

    /// <summary>Writes out what is gathered and closes the records; answered by a <see cref="TrainRecord"/>.</summary>
    public sealed record End;

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Note note:
                _settings.Display.Note(note.Line);
                Sender.Tell(new Taken(note));
                break;
            case Steps steps:
                foreach (StepResult step in steps.Results)
                {
                    OnStep(step);
                }

                Sender.Tell(new Taken(steps));
                break;
            case EvaluationActor.Evaluated evaluated:
                OnEvaluated(evaluated);
                Sender.Tell(new Taken(evaluated));
                break;
            case Workers workers:
                _settings.Metrics.WorkersReady = workers.Count;
                Sender.Tell(new Taken(workers));
                break;
            case FlushThen flush:
                WritePending();
                _log?.Flush();
                flush.Target.Tell(flush.Message, Sender);
                break;
            case End:
                WritePending();
                _log?.Flush();
                _events?.Flush();
                Sender.Tell(Sum());
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _settings.Metrics.OnRunOver();
        using (_events)
        {
            using (_log)
            {
                WritePending();
            }
        }
    }

    private void OnStep(in StepResult step)
    {
        _last = step;
        _steps++;
        _images += step.Slice.Count;
        StepTimes times = step.Times;
        _times += times;
        double speed = step.Slice.Count / Math.Max(times.Total.TotalSeconds, 1e-9);
        _smoothedSpeed = _smoothedSpeed == 0 ? speed : _smoothedSpeed + (Smoothing * (speed - _smoothedSpeed));
        _epochLoss += step.Loss * _job.Divisor(step.Slice.Count);
        _epochElements += (double)step.Slice.Count * _job.Loss.Divisor(_job.Plan.Output.Elements);
        WritePending();
        StepMetrics metrics = new(
            step.Steps,
            step.Slice.Epoch + 1,
            step.Loss,
            _job.LearningRate(step.Steps - 1),
            _smoothedSpeed,
            (_log?.SecondsBefore ?? 0) + _times.Total.TotalSeconds,
            step.Workers,
            step.RecomputedShards,
            Psnr: null,
            times.Wait.TotalSeconds,
            times.Sum.TotalSeconds,
            times.Update.TotalSeconds,
            times.Compute.TotalSeconds,
            times.BytesIn,
            times.BytesOut,
            EpochLoss: EndEpoch(step.Steps));
        _pending = metrics;
        _settings.Metrics.OnStep(metrics, step.Slice.Count, step.DiscardedSums);
        _settings.Display.OnStep(new StepProgress(
            step.Steps,
            _job.Schedule.StepsTotal,
            (double)step.Steps / _job.Schedule.StepsPerEpoch,
            step.Loss,
            _smoothedSpeed,
            step.Workers,
            step.RecomputedShards));
    }

    private void OnEvaluated(EvaluationActor.Evaluated evaluated)
    {
        Evaluation evaluation = evaluated.Evaluation;
        _evaluation = evaluated.Whole ?? evaluation;
        _preview = evaluated.Preview ?? _preview;
        if (_pending is { } pending && pending.Step == evaluated.Step.Value)
        {
            _pending = pending with
            {
                Psnr = evaluation.IsClean ? evaluation.Psnr : null,
                PsnrEstimated = evaluation.PsnrEstimated,
                Ssim = evaluation.IsClean ? evaluation.Ssim : null,
                Accuracy = evaluation.Accuracy,
                ValidationLoss = evaluation.Loss,
            };
        }

        _settings.Metrics.OnValidated(evaluation);
        _settings.Display.OnValidated(evaluated.Step.Value, evaluation);
        if (evaluated.Whole is { } whole)
        {
            _settings.Display.OnValidated(evaluated.Step.Value, whole);
        }
    }

    /// <summary>Mean loss of the epoch that this step ends, without earlier lives; null in its midst.</summary>
    private double? EndEpoch(int steps)
    {
        if (!_job.Schedule.EndsEpoch(steps))
        {
            return null;
        }

        double mean = _epochLoss / _epochElements;
        (_epochLoss, _epochElements) = (0, 0);
        return mean;
    }

    private TrainRecord Sum() => new()
    {
        IsStopped = false,
        StepsDone = _last?.Steps ?? _settings.First,
        LastLoss = _last?.Loss,
        ImagesPerSecond = _times.Total > TimeSpan.Zero ? _images / _times.Total.TotalSeconds : 0,
        StepTime = _times.Total,
        Workers = _last?.Workers ?? 0,
        RecomputedShards = _last?.RecomputedShards ?? 0,
        StepMeans = _steps == 0 ? null : _times.MeansOver(_steps),
        LastEvaluation = _evaluation,
        LastPreview = _preview,
    };

    private void WritePending()
    {
        if (_pending is { } pending)
        {
            _pending = null;
            int thinnings = _log?.Thinnings ?? 0;
            _log?.Append(pending);
            _events?.Append(pending);
            if (_log is not null && _log.Thinnings > thinnings)
            {
                _settings.Display.Note(
                    $"metrics.jsonl has grown long: of its older steps every {_log.Every}th is kept, and every "
                    + "validation; the newest 10,000 are whole.");
                _events?.Restart(_log.Read());
            }
        }
    }
}
