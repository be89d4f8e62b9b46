using System.Diagnostics.Metrics;
using Distributed.Coordinator.Core;

namespace Distributed.Coordinator.Hosting;

/// <summary>The instruments of one life of a run, for <c>/metrics</c> and whoever else listens.</summary>
internal sealed class RunMetrics : IDisposable
{
    private readonly Meter _meter = new(MetricsText.MeterName);
    private readonly Counter<long> _steps;
    private readonly Counter<long> _samples;
    private readonly Histogram<double> _stepSeconds;

    /// <summary>Instruments over a machine's numbers.</summary>
    public RunMetrics(CoordinatorMachine machine)
    {
        _steps = _meter.CreateCounter<long>("distributed.steps", description: "Updates done in this life");
        _samples = _meter.CreateCounter<long>("distributed.samples", description: "Training samples done");
        _stepSeconds = _meter.CreateHistogram<double>(
            "distributed.step.seconds", unit: "s", description: "From the first assignment to the update");
        _meter.CreateObservableGauge("distributed.workers", () => machine.WorkersReady);
        _meter.CreateObservableCounter("distributed.leaves.recomputed", () => machine.RecomputedLeaves);
        _meter.CreateObservableCounter("distributed.sums.discarded", () => machine.DiscardedSums);
    }

    /// <summary>A step is done.</summary>
    public void OnStep(int samples, TimeSpan time)
    {
        _steps.Add(1);
        _samples.Add(samples);
        _stepSeconds.Record(time.TotalSeconds);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
