using System.Diagnostics.Metrics;
using Distributed.Coordinator.Http;

namespace Distributed.Coordinator.Actors;

/// <summary>The instruments of one life of a run, for <c>/metrics</c> and other listeners.</summary>
/// <remarks>The journal says what they show; they may be read by any thread.</remarks>
internal sealed class RunMetrics : IDisposable
{
    private readonly Meter _meter = new(MetricsText.MeterName);
    private readonly Counter<long> _steps;
    private readonly Counter<long> _samples;
    private readonly Histogram<double> _stepSeconds;
    private readonly Histogram<double> _waitSeconds;
    private readonly Histogram<double> _sumSeconds;
    private readonly Histogram<double> _updateSeconds;
    private readonly Histogram<double> _computeSeconds;
    private int _workersReady;
    private long _recomputedShards;
    private long _discardedSums;

    /// <summary>Instruments that show nothing yet.</summary>
    public RunMetrics()
    {
        _steps = _meter.CreateCounter<long>("distributed.steps", description: "Steps done in this life");
        _samples = _meter.CreateCounter<long>("distributed.samples", description: "Training samples done");
        _stepSeconds = Seconds("distributed.step.seconds", "From the first assignment to the end of the step");
        _waitSeconds = Seconds("distributed.step.wait.seconds", "Of it, until the last sum was here");
        _sumSeconds = Seconds("distributed.step.sum.seconds", "Of it, adding up the workers' sums");
        _updateSeconds = Seconds("distributed.step.update.seconds", "Of it, the optimizer");
        _computeSeconds = Seconds("distributed.step.compute.seconds", "In shards, over all threads of all workers");
        _meter.CreateObservableGauge("distributed.workers", () => WorkersReady);
        _meter.CreateObservableCounter(
            "distributed.shards.recomputed", () => Volatile.Read(ref _recomputedShards));
        _meter.CreateObservableCounter("distributed.sums.discarded", () => Volatile.Read(ref _discardedSums));
    }

    /// <summary>Workers that take part now.</summary>
    public int WorkersReady
    {
        get => Volatile.Read(ref _workersReady);
        set => Volatile.Write(ref _workersReady, value);
    }

    /// <summary>A step is done.</summary>
    public void OnStep(in StepResult step)
    {
        _steps.Add(1);
        _samples.Add(step.Slice.Count);
        _stepSeconds.Record(step.Times.Total.TotalSeconds);
        _waitSeconds.Record(step.Times.Wait.TotalSeconds);
        _sumSeconds.Record(step.Times.Sum.TotalSeconds);
        _updateSeconds.Record(step.Times.Update.TotalSeconds);
        _computeSeconds.Record(step.Times.Compute.TotalSeconds);
        Volatile.Write(ref _recomputedShards, step.RecomputedShards);
        Volatile.Write(ref _discardedSums, step.DiscardedSums);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private Histogram<double> Seconds(string name, string description) =>
        _meter.CreateHistogram<double>(name, unit: "s", description: description);
}
