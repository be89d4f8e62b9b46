using Distributed.Coordinator.Pictures;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Actors;

/// <summary>
/// Keeps the records of a run: metrics, events, checkpoints, validations, pictures; and tells the display.
/// </summary>
public sealed class TrainRecorder : ITrainingObserver, IAsyncDisposable
{
    /// <summary>Weight of the newest step in the smoothed speed.</summary>
    private const double Smoothing = 0.1;

    private readonly TrainingJob _job;
    private readonly PairSource? _validation;
    private readonly RunFolder _folder;
    private readonly ITrainingDisplay _display;
    private readonly CheckpointWriter _checkpoints;
    private readonly MetricsLog _metrics;
    private readonly TensorBoardWriter? _events;
    private readonly Replica _replica;
    private readonly int _threads;
    private readonly bool _isLight;

    /// <summary>The line of the last step: written with the next one, so that a validation can join it.</summary>
    private StepMetrics? _pending;
    private Task _bestSaved = Task.CompletedTask;
    private double _smoothedSpeed;
    private long _images;
    private StepTimes _times;
    private double _epochLoss;
    private double _epochTerms;
    private int _steps;

    /// <summary>Opens the records of a run.</summary>
    /// <param name="job">What is trained.</param>
    /// <param name="state">Its parameters and optimizer.</param>
    /// <param name="validation">What to validate with; null for nothing.</param>
    /// <param name="folder">Where the records go.</param>
    /// <param name="firstStep">Updates that were done before this life.</param>
    /// <param name="threads">Threads for validation.</param>
    /// <param name="isLight">Whether to leave out events, pictures and the best weights.</param>
    /// <param name="display">Shown to people.</param>
    /// <param name="clock">Dates records.</param>
    public TrainRecorder(
        TrainingJob job,
        TrainingState state,
        PairSource? validation,
        RunFolder folder,
        int firstStep,
        int threads,
        bool isLight,
        ITrainingDisplay display,
        TimeProvider clock)
    {
        _isLight = isLight;
        _job = job;
        _validation = validation;
        _folder = folder;
        _display = display;
        _threads = threads;
        _replica = job.Plan.CreateReplica();
        _metrics = new MetricsLog(folder["metrics.jsonl"], firstStep, clock);
        _events = isLight ? null : new TensorBoardWriter(folder.Folder, folder.Term, firstStep, clock);
        _checkpoints = new CheckpointWriter(
            new CheckpointStore(folder.Folder),
            TrainingCheckpoint.Layout(job.Model, state.Optimizer),
            job.Configuration.ToJson());
        StepsDone = firstStep;
    }

    /// <summary>Updates done, those of earlier lives included.</summary>
    public int StepsDone { get; private set; }

    /// <summary>Loss of the last step; null before one.</summary>
    public double? LastLoss { get; private set; }

    /// <summary>Wall time of this life's steps.</summary>
    public TimeSpan StepTime => _times.Total;

    /// <summary>Training samples of this life over <see cref="StepTime"/>.</summary>
    public double ImagesPerSecond => StepTime > TimeSpan.Zero ? _images / StepTime.TotalSeconds : 0;

    /// <summary>Where the time of this life's steps went; null before one.</summary>
    public StepMeans? StepMeans => _steps == 0 ? null : new StepMeans(
        _times.Total.TotalMilliseconds / _steps,
        _times.Wait.TotalMilliseconds / _steps,
        _times.Sum.TotalMilliseconds / _steps,
        _times.Update.TotalMilliseconds / _steps,
        _times.Compute.TotalMilliseconds / _steps,
        (double)_times.BytesIn / _steps,
        (double)_times.BytesOut / _steps);

    /// <summary>What the last validation said; null before one.</summary>
    public Evaluation? LastEvaluation { get; private set; }

    /// <summary>The newest picture: path and file; null before one.</summary>
    public (string Path, byte[] Png)? LastPreview { get; private set; }

    /// <summary>Workers in the last step.</summary>
    public int Workers { get; private set; }

    /// <summary>Shards that were given out more than once in this life.</summary>
    public long RecomputedShards { get; private set; }

    /// <inheritdoc/>
    public void Note(string line) => _display.Note(line);

    /// <inheritdoc/>
    public void OnStep(in StepResult result)
    {
        StepsDone = result.Steps;
        LastLoss = result.Loss;
        Workers = result.Workers;
        RecomputedShards = result.RecomputedShards;
        StepTimes times = result.Times;
        _times += times;
        _steps++;
        _images += result.Slice.Count;
        double speed = result.Slice.Count / Math.Max(times.Total.TotalSeconds, 1e-9);
        _smoothedSpeed = _smoothedSpeed == 0 ? speed : _smoothedSpeed + (Smoothing * (speed - _smoothedSpeed));
        double terms = (double)result.Slice.Count * _job.Loss.Terms(_job.Plan.Output.Elements);
        _epochLoss += result.Loss * _job.Terms(result.Slice.Count);
        _epochTerms += terms;
        WritePending();
        _pending = new StepMetrics(
            result.Steps,
            result.Slice.Epoch + 1,
            result.Loss,
            _job.LearningRate(result.Steps - 1),
            _smoothedSpeed,
            _metrics.SecondsBefore + StepTime.TotalSeconds,
            result.Workers,
            result.RecomputedShards,
            Psnr: null,
            times.Wait.TotalSeconds,
            times.Sum.TotalSeconds,
            times.Update.TotalSeconds,
            times.Compute.TotalSeconds,
            times.BytesIn,
            times.BytesOut,
            EpochLoss: EndEpoch(result.Steps));
        _display.OnStep(new StepProgress(
            result.Steps,
            _job.Schedule.StepsTotal,
            (double)result.Steps / _job.Schedule.StepsPerEpoch,
            result.Loss,
            _smoothedSpeed,
            result.Workers,
            result.RecomputedShards));
    }

    /// <inheritdoc/>
    public void Validate(TrainingState state, int steps)
    {
        if (_validation is null)
        {
            return;
        }

        _replica.Load(state.Parameters.Values.Span);
        double progress = (double)Math.Max(0, steps - 1) / _job.Schedule.StepsTotal;
        Evaluation evaluation = Evaluator.Evaluate(
            _job.Plan, _replica, _validation, _threads, _job.Loss, progress);
        LastEvaluation = evaluation;
        if (_pending is { } pending && pending.Step == steps)
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

        _display.OnValidated(steps, evaluation);
        if (_isLight)
        {
            return;
        }

        // One best at a time: its snapshot is free again before the next is taken.
        _bestSaved.GetAwaiter().GetResult();
        _bestSaved = PostAsync(state, steps, score: evaluation.Score, keepByStep: false);
        if (_validation.ClassCount > 0)
        {
            return; // A class is no picture.
        }

        string path = Path.Combine(_folder["previews"], $"step-{steps:D8}.png");
        LastPreview = (path, PreviewWriter.Write(path, _job.Plan, _replica, _validation));
    }

    /// <inheritdoc/>
    public Task SaveAsync(TrainingState state, int steps)
    {
        // A checkpoint that is on disk vouches for the records of its steps: nothing of them may be in memory only.
        WritePending();
        _metrics.Flush();
        return PostAsync(state, steps, score: null, keepByStep: true);
    }

    /// <summary>Writes out what is gathered, and waits for the best checkpoint.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public async Task FlushAsync()
    {
        WritePending();
        _metrics.Flush();
        _events?.Flush();
        await _bestSaved;
    }

    /// <summary>Writes out what is gathered, and waits for the last checkpoint.</summary>
    public async ValueTask DisposeAsync()
    {
        // First the end of what runs beside this, so that nobody writes to the folder when this has thrown.
        await _checkpoints.DisposeAsync();
        await _bestSaved.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            WritePending();
        }
        finally
        {
            using (_events)
            {
                _metrics.Dispose();
            }
        }
    }

    /// <summary>Mean loss of the epoch that this step ends, without earlier lives; null in its midst.</summary>
    private double? EndEpoch(int steps)
    {
        if (!_job.Schedule.EndsEpoch(steps))
        {
            return null;
        }

        double mean = _epochLoss / _epochTerms;
        (_epochLoss, _epochTerms) = (0, 0);
        return mean;
    }

    private void WritePending()
    {
        if (_pending is { } pending)
        {
            _pending = null;
            _metrics.Append(pending);
            _events?.Append(pending);
        }
    }

    private Task PostAsync(TrainingState state, int steps, double? score, bool keepByStep)
    {
        // There are two snapshots, and at most one save by step and one of the best at a time: no waiting here.
        CheckpointSnapshot snapshot = _checkpoints.RentAsync().AsTask().GetAwaiter().GetResult();
        TrainingCheckpoint.Fill(snapshot, _job.Model, state, steps);
        snapshot.Score = score;
        snapshot.KeepByStep = keepByStep;
        return _checkpoints.PostAsync(snapshot);
    }
}
