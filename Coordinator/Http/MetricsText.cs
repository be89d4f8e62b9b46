using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Distributed.Coordinator.Http;

/// <summary>What this program's instruments say, in Prometheus' text format.</summary>
/// <remarks>
/// Listens to the meters of <see cref="MeterName"/>. A counter adds up; a gauge keeps its last value; a histogram gives
/// its sum and count. Names: dots become underscores.
/// </remarks>
public sealed class MetricsText : IDisposable
{
    /// <summary>The meters of this program.</summary>
    public const string MeterName = "Distributed";

    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (string Type, double Value, long Count)> _values =
        new(StringComparer.Ordinal);

    /// <summary>Begins to listen.</summary>
    public MetricsText()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Take(instrument, value));
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Take(instrument, value));
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Take(instrument, value));
        _listener.Start();
    }

    /// <summary>All values now.</summary>
    public string Write()
    {
        _listener.RecordObservableInstruments();
        StringBuilder text = new();
        lock (_lock)
        {
            foreach ((string name, (string type, double value, long count)) in _values)
            {
                text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
                if (type == "summary")
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}_sum {value}\n{name}_count {count}\n");
                }
                else
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
                }
            }
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double value)
    {
        string kind = instrument.GetType().Name;
        bool isObserved = instrument.IsObservable;
        string type = kind.Contains("Counter", StringComparison.Ordinal) ? "counter"
            : kind.Contains("Histogram", StringComparison.Ordinal) ? "summary"
            : "gauge";
        string name = instrument.Name.Replace('.', '_') + (type == "counter" ? "_total" : "");
        lock (_lock)
        {
            _values.TryGetValue(name, out (string Type, double Value, long Count) old);
            double sum = type == "gauge" || isObserved ? value : old.Value + value;
            _values[name] = (type, sum, old.Count + 1);
        }
    }
}
