using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Distributed.Protocol.Tests;

/// <summary>What this process counts as refused from now on, other tests' that run meanwhile included.</summary>
internal sealed class RefusalCounts : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _counts = [];
    private readonly MeterListener _listener = new();

    public RefusalCounts()
    {
        _listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument is { Meter.Name: "Distributed", Name: "distributed.messages.refused" })
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            _counts.AddOrUpdate(tags.IsEmpty ? "" : $"{tags[0].Value}", value, (_, sum) => sum + value));
        _listener.Start();
    }

    /// <summary>Serializers whose messages were refused.</summary>
    public ISet<string> Serializers => _counts.Keys.ToHashSet();

    /// <summary>Messages of a serializer.</summary>
    public long this[string serializer] => _counts.GetValueOrDefault(serializer);

    public void Dispose() => _listener.Dispose();
}
