using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests.Http;

/// <summary>What the instruments of a process show of its runs and workers.</summary>
public sealed class RunMetricsTests : IDisposable
{
    private readonly HandClock _clock = new();
    private readonly RunMetrics _metrics;

    public RunMetricsTests() => _metrics = new RunMetrics(_clock);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void NothingKnown_NothingShownButCounts()
    {
        Dictionary<string, double> shown = Read(_metrics);
        Assert.Equal("no worker is ready", _metrics.NotReady);
        Assert.All(shown, value => Assert.Equal(0, value.Value));
        Assert.DoesNotContain("distributed.loss", shown.Keys);
        Assert.DoesNotContain("distributed.psnr", shown.Keys);
        _metrics.WorkersReady = 1;
        Assert.Null(_metrics.NotReady);
    }

    /// <summary>Counters go on from run to run; what is said of the run at hand begins anew with each.</summary>
    [Fact]
    public void TwoRuns_OneAfterTheOther_AddUp()
    {
        _metrics.OnRun(term: 1, firstStep: 0);
        _metrics.OnStep(Step(1, recomputed: 2), 20, discardedSums: 1);
        _metrics.OnStep(Step(2, recomputed: 3), 20, discardedSums: 1);
        _metrics.OnValidated(new Evaluation(0.01, 20, 21, 15));
        Dictionary<string, double> first = Read(_metrics);
        Assert.Equal((2, 2, 40, 3, 1), Counts(first));
        Assert.Equal(20, first["distributed.psnr"]);
        Assert.Equal(1, first["distributed.step.wait"], 12);
        _metrics.OnWorker("beta");
        _metrics.OnRunOver();

        _metrics.OnRun(term: 4, firstStep: 7);
        Dictionary<string, double> between = Read(_metrics);
        Assert.Equal((7, 4), (between["distributed.step"], between["distributed.term"]));
        Assert.DoesNotContain("distributed.psnr", between.Keys);
        Assert.DoesNotContain("distributed.worker.shards{beta}", between.Keys);
        _metrics.OnStep(Step(8, recomputed: 1), 10, discardedSums: 2);
        Assert.Equal((8, 3, 50, 4, 3), Counts(Read(_metrics)));

        static (double, double, double, double, double) Counts(Dictionary<string, double> shown) => (
            shown["distributed.step"], shown["distributed.steps"], shown["distributed.samples"],
            shown["distributed.shards_recomputed"], shown["distributed.sums_discarded"]);
    }

    [Fact]
    public void Worker_ComputesFallsSilentAndGoes_IsShownUntilThen()
    {
        WorkerMetrics worker = _metrics.OnWorker("beta");
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(0.5));
            worker.OnSaid(Sum(shards: 3, TimeSpan.FromSeconds(0.25)));
        }

        Dictionary<string, double> shown = Read(_metrics);
        Assert.Equal(15, shown["distributed.worker.shards{beta}"]);
        Assert.Equal(6, shown["distributed.worker.shards_per_second{beta}"], 12); // 12 in the first 2 s.
        Assert.Equal(1.25, shown["distributed.worker.compute{beta}"], 12);
        Assert.Equal(0, shown["distributed.worker.last_seen{beta}"]);
        Assert.DoesNotContain("distributed.worker.sent{beta}", shown.Keys);

        _clock.Advance(TimeSpan.FromSeconds(5.5)); // Three shards in the last 6 s.
        worker.Bytes = () => (1000, 2000);
        shown = Read(_metrics);
        Assert.Equal(0.5, shown["distributed.worker.shards_per_second{beta}"], 12);
        Assert.Equal(5.5, shown["distributed.worker.last_seen{beta}"], 12);
        Assert.Equal(1000, shown["distributed.worker.received{beta}"]);
        Assert.Equal(2000, shown["distributed.worker.sent{beta}"]);
        worker.OnHeard();
        Assert.Equal(0, Read(_metrics)["distributed.worker.last_seen{beta}"]);

        worker.Dispose();
        Assert.DoesNotContain(Read(_metrics).Keys, name => name.EndsWith("{beta}", StringComparison.Ordinal));
    }

    /// <summary>A worker that comes back before its old connection is known to be gone stays shown.</summary>
    [Fact]
    public void SameName_NewerStaysWhenTheOlderGoes()
    {
        WorkerMetrics older = _metrics.OnWorker("beta");
        WorkerMetrics newer = _metrics.OnWorker("beta");
        newer.OnSaid(Sum(shards: 2, TimeSpan.Zero));
        older.Dispose();
        Assert.Equal(2, Read(_metrics)["distributed.worker.shards{beta}"]);
    }

    [Fact]
    public async Task Documentation_NamesEveryFigure_AndNoOther()
    {
        _metrics.OnRun(term: 1, firstStep: 0);
        _metrics.OnWorker("beta").Bytes = () => (1, 2);
        Evaluation clean = new(0.01, 20, 21, 15);
        string text = await ScrapeAsync(clean)
            + await ScrapeAsync(clean with { EstimatedError = 0.01 })
            + await ScrapeAsync(clean with { Accuracy = 0.5 });
        string[] shown = [.. Regex.Matches(text, @"(?m)^# TYPE (distributed_\w+)")
            .Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
        string[] documented = [.. Regex.Matches(await File.ReadAllTextAsync(Readme()), @"(?m)^\| `(distributed_\w+)`")
            .Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal)];
        Assert.Equal(documented, shown);
    }

    /// <summary>What one object's instruments say, by name and worker; other tests have their own.</summary>
    internal static Dictionary<string, double> Read(RunMetrics metrics)
    {
        Dictionary<string, double> values = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter, metrics.Meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            values.Add(instrument.Name + (tags is [{ Key: "worker" } worker] ? $"{{{worker.Value}}}" : ""), value));
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }

    private static StepMetrics Step(int step, long recomputed) => new(
        step, 1, 0.5, 0.001, 100, 1, 1, recomputed, null, WaitSeconds: 0.5, SumSeconds: 0.25, UpdateSeconds: 0.125);

    private static WorkerMessage.GradientSum Sum(int shards, TimeSpan compute) =>
        new(new Term(1), new Step(0), new TreeNode(0, 0), shards, 1, compute);

    /// <summary>What a server shows that was there before a step and a validation.</summary>
    private async Task<string> ScrapeAsync(Evaluation evaluation)
    {
        string folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;
        using SecretsFolder secrets = SecretsFolder.Open(folder, null, DateTimeOffset.UtcNow);
        await using HttpServer server = await HttpServer.StartAsync(
            new ListenAddress(IPAddress.Loopback, 0), secrets, () => null);
        _metrics.OnStep(Step(1, recomputed: 0), 20, discardedSums: 0);
        _metrics.OnValidated(evaluation);
        using HttpClient client = new();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secrets.View.Secret);
        string text = await client.GetStringAsync(new Uri(server.Address, "/metrics"));
        Directory.Delete(folder, recursive: true);
        return text;
    }

    private static string Readme([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "README.md");

    private sealed class HandClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;

        public override long GetTimestamp() => _ticks;
    }
}
