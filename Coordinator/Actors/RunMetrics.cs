using System.Diagnostics.Metrics;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;

namespace Distributed.Coordinator.Actors;

/// <summary>The instruments of one life of a run, for <c>/metrics</c> and whoever else listens.</summary>
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

    /// <summary>Instruments over a machine's numbers.</summary>
    public RunMetrics(CoordinatorMachine machine)
    {
        _steps = _meter.CreateCounter<long>("distributed.steps", description: "Updates done in this life");
        _samples = _meter.CreateCounter<long>("distributed.samples", description: "Training samples done");
        _stepSeconds = Seconds("distributed.step.seconds", "From the first assignment to the update");
        _waitSeconds = Seconds("distributed.step.wait.seconds", "Of it, until the last sum was here");
        _sumSeconds = Seconds("distributed.step.sum.seconds", "Of it, adding up the workers' sums");
        _updateSeconds = Seconds("distributed.step.update.seconds", "Of it, the optimizer");
        _computeSeconds = Seconds("distributed.step.compute.seconds", "In shards, over all threads of all workers");
        _meter.CreateObservableGauge("distributed.workers", () => machine.WorkersReady);
        _meter.CreateObservableCounter("distributed.shards.recomputed", () => machine.RecomputedShards);
        _meter.CreateObservableCounter("distributed.sums.discarded", () => machine.DiscardedSums);
    }

    /// <summary>A step is done.</summary>
    public void OnStep(int samples, in StepTimes times)
    {
        _steps.Add(1);
        _samples.Add(samples);
        _stepSeconds.Record(times.Total.TotalSeconds);
        _waitSeconds.Record(times.Wait.TotalSeconds);
        _sumSeconds.Record(times.Sum.TotalSeconds);
        _updateSeconds.Record(times.Update.TotalSeconds);
        _computeSeconds.Record(times.Compute.TotalSeconds);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private Histogram<double> Seconds(string name, string description) =>
        _meter.CreateHistogram<double>(name, unit: "s", description: description);
}
