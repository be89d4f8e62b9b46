using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Http;

/// <summary>This process's instruments, for <c>/metrics</c> and others: the run at hand, its workers.</summary>
/// <remarks>
/// The actors tell what they show; any thread may read them. What is not known is not shown, nor is a worker that is
/// gone. Counters count from the start of the process, over all its runs. README.md says what each one means.
/// </remarks>
public sealed class RunMetrics : IDisposable
{
    /// <summary>The meters of this program.</summary>
    public const string MeterName = "Distributed";

    /// <summary>Seconds; steps take 0.1 ms (a perceptron) to minutes.</summary>
    private static readonly InstrumentAdvice<double> s_stepTimes = new()
    {
        HistogramBucketBoundaries = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    };

    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, WorkerMetrics> _workers = new(StringComparer.Ordinal);
    private readonly Histogram<double> _stepTime;
    private readonly Lock _lock = new();
    private (long Term, long FirstStep)? _run;
    private StepMetrics? _step;
    private Evaluation? _evaluation;
    private int _workersReady;
    private StepCounts _counts;

    /// <summary>Sums that the run at hand has discarded.</summary>
    private long _runDiscarded;

    /// <summary>Instruments that show nothing yet.</summary>
    /// <param name="clock">The system clock, or a fake one.</param>
    public RunMetrics(TimeProvider clock)
    {
        _clock = clock;
        Gauge("term", "Which life of the run this is", () => _run?.Term);
        Gauge("step", "Updates that the weights contain", () => _step?.Step ?? _run?.FirstStep);
        Gauge("loss", "Loss of the last step", () => _step?.Loss);
        Gauge("learning_rate", "Of the last step", () => _step?.LearningRate);
        Gauge("images_per_second", "Training samples a second, lately", () => _step?.ImagesPerSecond);
        Gauge(
            "psnr",
            "Of the last validation, in dB over the global error",
            () => _evaluation is { IsClean: true } clean ? clean.Psnr : null);
        Gauge("psnr_estimated", "The same, estimated from noisy pairs", () => _evaluation?.PsnrEstimated);
        Gauge("accuracy", "Share of right answers in the last validation", () => _evaluation?.Accuracy);
        Gauge("workers_ready", "Workers that take part", () => _workersReady);
        Total("steps", "Steps done", () => _counts.Steps);
        Total("samples", "Training samples done", () => _counts.Samples);
        Total("shards_recomputed", "Shards given out more than once", () => _counts.Recomputed);
        Total("sums_discarded", "Gradient sums that did not count", () => _counts.Discarded);
        Total("step.wait", "Time in steps until the last sum was here", () => _counts.Wait, "s");
        Total("step.sum", "Time in steps adding up the workers' sums", () => _counts.Sum, "s");
        Total("step.update", "Time in steps of the optimizer", () => _counts.Update, "s");
        Total("step.compute", "Time in shards, over all threads of all workers", () => _counts.Compute, "s");
        _stepTime = Meter.CreateHistogram(
            Name("step.time"), "s", "From a step's first assignment to its end", tags: null, s_stepTimes);
        WorkerTotal("shards", "Shards computed", worker => worker.Shards);
        WorkerGauge("shards_per_second", "Shards computed a second, lately", worker => worker.ShardsPerSecond);
        WorkerTotal("compute", "Time in shards, over all its threads", worker => worker.Compute.TotalSeconds, "s");
        WorkerTotal("received", "Read from it", worker => worker.Bytes?.Invoke().Received, "By");
        WorkerTotal("sent", "Written to it", worker => worker.Bytes?.Invoke().Sent, "By");
        WorkerGauge("last_seen", "Time since its last word", worker => worker.LastSeen.TotalSeconds, "s");
    }

    /// <summary>Workers that take part now.</summary>
    public int WorkersReady
    {
        get => Volatile.Read(ref _workersReady);
        set => Volatile.Write(ref _workersReady, value);
    }

    /// <summary>The last step of the run at hand; null before there was one.</summary>
    public StepMetrics? Step
    {
        get
        {
            lock (_lock)
            {
                return _step;
            }
        }
    }

    /// <summary>The last validation of the run at hand; null before there was one.</summary>
    public Evaluation? Evaluation
    {
        get
        {
            lock (_lock)
            {
                return _evaluation;
            }
        }
    }

    /// <summary>What the instruments belong to.</summary>
    internal Meter Meter { get; } = new(MeterName);

    /// <summary>Why nobody computes; null if somebody does.</summary>
    public string? NotReady => WorkersReady > 0 ? null : "no worker is ready";

    /// <summary>A run begins, or a life of it.</summary>
    public void OnRun(long term, long firstStep)
    {
        lock (_lock)
        {
            (_run, _step, _evaluation, _runDiscarded) = ((term, firstStep), null, null, 0);
        }
    }

    /// <summary>A step is done.</summary>
    /// <param name="step">What is known of it.</param>
    /// <param name="samples">Its size.</param>
    /// <param name="discardedSums">Sums that did not count so far in this run.</param>
    public void OnStep(in StepMetrics step, int samples, long discardedSums)
    {
        lock (_lock)
        {
            _counts = new StepCounts(
                _counts.Steps + 1,
                _counts.Samples + samples,
                _counts.Recomputed + step.RecomputedShards - (_step?.RecomputedShards ?? 0),
                _counts.Discarded + discardedSums - _runDiscarded,
                _counts.Wait + step.WaitSeconds,
                _counts.Sum + step.SumSeconds,
                _counts.Update + step.UpdateSeconds,
                _counts.Compute + step.ComputeSeconds);
            (_step, _runDiscarded) = (step, discardedSums);
        }

        _stepTime.Record(step.WaitSeconds + step.SumSeconds + step.UpdateSeconds);
    }

    /// <summary>The model was validated.</summary>
    public void OnValidated(Evaluation evaluation)
    {
        lock (_lock)
        {
            _evaluation = evaluation;
        }
    }

    /// <summary>The run at hand is over, or this life of it: nobody computes.</summary>
    public void OnRunOver()
    {
        WorkersReady = 0;
        _workers.Clear();
    }

    /// <summary>A worker is there; shown by its name until what this returns is disposed of.</summary>
    public WorkerMetrics OnWorker(string name)
    {
        WorkerMetrics worker = new(_clock, gone => _workers.TryRemove(new(name, gone)));
        _workers[name] = worker;
        return worker;
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    private static string Name(string name) => $"{nameof(Distributed).ToLowerInvariant()}.{name}";

    private void Gauge(string name, string help, Func<double?> read) =>
        Meter.CreateObservableGauge(Name(name), () => Read(read), unit: null, help);

    private void Total(string name, string help, Func<double?> read, string? unit = null) =>
        Meter.CreateObservableCounter(Name(name), () => Read(read), unit, help);

    private void WorkerGauge(string name, string help, Func<WorkerMetrics, double?> read, string? unit = null) =>
        Meter.CreateObservableGauge(Name($"worker.{name}"), () => Read(read), unit, help);

    private void WorkerTotal(string name, string help, Func<WorkerMetrics, double?> read, string? unit = null) =>
        Meter.CreateObservableCounter(Name($"worker.{name}"), () => Read(read), unit, help);

    private Measurement<double>[] Read(Func<double?> read)
    {
        lock (_lock)
        {
            return read() is { } value && double.IsFinite(value) ? [new(value)] : [];
        }
    }

    private IEnumerable<Measurement<double>> Read(Func<WorkerMetrics, double?> read)
    {
        foreach ((string name, WorkerMetrics worker) in _workers)
        {
            if (read(worker) is { } value)
            {
                yield return new Measurement<double>(value, new KeyValuePair<string, object?>("worker", name));
            }
        }
    }

    private readonly record struct StepCounts(
        long Steps,
        long Samples,
        long Recomputed,
        long Discarded,
        double Wait,
        double Sum,
        double Update,
        double Compute);
}
