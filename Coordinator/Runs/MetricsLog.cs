using System.Buffers;
using System.Text.Json;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Runs;

/// <summary>What is known after one step.</summary>
/// <param name="Step">Optimizer updates done, this one included.</param>
/// <param name="Epoch">Passes over the data begun, from 1.</param>
/// <param name="Loss">Mean loss of the batch.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="ImagesPerSecond">Training samples over wall time, lately.</param>
/// <param name="Seconds">Wall time of training so far, over all lives of the run.</param>
/// <param name="Workers">Workers that took part.</param>
/// <param name="RecomputedShards">Shards that were assigned again so far.</param>
/// <param name="Psnr">In dB, over the global error; null if this step was not followed by a validation.</param>
/// <param name="WaitSeconds">From the first assignment of the step until the last sum was here.</param>
/// <param name="SumSeconds">Adding up the sums of the workers.</param>
/// <param name="UpdateSeconds">The optimizer.</param>
/// <param name="ComputeSeconds">In shards, over all threads of all workers.</param>
/// <param name="BytesIn">Read from links; none of workers in the coordinator's process.</param>
/// <param name="BytesOut">Written to links.</param>
/// <param name="PsnrEstimated">In dB, estimated from noisy pairs; null as <paramref name="Psnr"/>.</param>
/// <param name="Ssim">Structural similarity, likewise.</param>
/// <param name="Accuracy">Share of right answers, likewise.</param>
/// <param name="ValidationLoss">The mean, likewise.</param>
/// <param name="EpochLoss">Mean training loss of the epoch that this step ended; else null.</param>
public readonly record struct StepMetrics(
    long Step,
    int Epoch,
    double Loss,
    double LearningRate,
    double ImagesPerSecond,
    double Seconds,
    int Workers,
    long RecomputedShards,
    double? Psnr = null,
    double WaitSeconds = 0,
    double SumSeconds = 0,
    double UpdateSeconds = 0,
    double ComputeSeconds = 0,
    long BytesIn = 0,
    long BytesOut = 0,
    double? PsnrEstimated = null,
    double? Ssim = null,
    double? Accuracy = null,
    double? ValidationLoss = null,
    double? EpochLoss = null);

/// <summary>Writes metrics.jsonl: one line of JSON a step, in the order of the steps.</summary>
/// <remarks>
/// Lines are gathered in memory and written when a second has passed or 64 KiB are full. No allocation in the steady
/// state. A stop loses at most that, and may leave a torn last line; opening cuts it off. A file of 16 MiB is replaced
/// by one of 8 MiB at most (<see cref="MetricsThinning"/>), as a whole or not at all.
/// </remarks>
public sealed class MetricsLog : IDisposable
{
    private const int PendingBytesMax = 1 << 16;
    private const int BytesMax = 16 << 20;
    private const int ThinnedBytesMax = 8 << 20;
    private static readonly TimeSpan s_flushAfter = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly Action? _guard;
    private readonly ArrayBufferWriter<byte> _pending = new(PendingBytesMax + 1024);
    private readonly Utf8JsonWriter _json;
    private FileStream _file;
    private long _flushed;

    /// <summary>Opens the log behind the last step that counts, and cuts off what follows it.</summary>
    /// <param name="path">The file; made if it is not there.</param>
    /// <param name="lastStep">Step of the checkpoint that the run goes on from; 0 for a new run.</param>
    /// <param name="clock">Decides when to write out.</param>
    /// <param name="guard">Called before anything is written; throws if the file is another process's now.</param>
    public MetricsLog(string path, long lastStep, TimeProvider clock, Action? guard = null)
    {
        _path = path;
        _clock = clock;
        _guard = guard;
        _json = new Utf8JsonWriter(_pending);
        _file = OpenFile();
        try
        {
            (long end, StepMetrics? last) = MetricsReader.FindEnd(_file, lastStep);
            SecondsBefore = last?.Seconds ?? 0;
            _file.SetLength(end);
            _file.Seek(0, SeekOrigin.End);
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        _flushed = clock.GetTimestamp();
    }

    /// <summary>Wall time of the steps of earlier lives, as far as they count.</summary>
    public double SecondsBefore { get; }

    /// <summary>Of the older steps every so many-th is kept; 1 as long as all are.</summary>
    public long Every { get; private set; } = 1;

    /// <summary>How often the file was made shorter.</summary>
    public int Thinnings { get; private set; }

    /// <summary>All lines that are in the file.</summary>
    public IReadOnlyList<StepMetrics> Read() => MetricsReader.Read(_path);

    /// <summary>Adds a line.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Append(in StepMetrics metrics)
    {
        _json.Reset(_pending);
        _json.WriteStartObject();
        _json.WriteNumber("step", metrics.Step);
        _json.WriteNumber("epoch", metrics.Epoch);
        WriteFinite("loss", metrics.Loss);
        WriteFinite("lr", metrics.LearningRate);
        WriteFinite("imagesPerSecond", Math.Round(metrics.ImagesPerSecond, 2));
        WriteFinite("seconds", Math.Round(metrics.Seconds, 4));
        _json.WriteNumber("workers", metrics.Workers);
        _json.WriteNumber("recomputedShards", metrics.RecomputedShards);
        WriteFinite("waitSeconds", Math.Round(metrics.WaitSeconds, 6));
        WriteFinite("sumSeconds", Math.Round(metrics.SumSeconds, 6));
        WriteFinite("updateSeconds", Math.Round(metrics.UpdateSeconds, 6));
        WriteFinite("computeSeconds", Math.Round(metrics.ComputeSeconds, 6));
        _json.WriteNumber("bytesIn", metrics.BytesIn);
        _json.WriteNumber("bytesOut", metrics.BytesOut);
        WriteIfKnown("psnr", metrics.Psnr);
        WriteIfKnown("psnrEstimated", metrics.PsnrEstimated);
        WriteIfKnown("ssim", metrics.Ssim);
        WriteIfKnown("accuracy", metrics.Accuracy);
        WriteIfKnown("validationLoss", metrics.ValidationLoss);
        WriteIfKnown("epochLoss", metrics.EpochLoss);
        _json.WriteEndObject();
        _json.Flush();
        _pending.Write("\n"u8);
        if (_pending.WrittenCount >= PendingBytesMax || _clock.GetElapsedTime(_flushed) >= s_flushAfter)
        {
            Flush();
        }
    }

    /// <summary>Writes out what is gathered.</summary>
    public void Flush()
    {
        _flushed = _clock.GetTimestamp();
        if (_pending.WrittenCount > 0)
        {
            _guard?.Invoke();
            _file.Write(_pending.WrittenSpan);
            _pending.ResetWrittenCount();
        }

        if (_file.Length >= BytesMax)
        {
            Thin();
        }
    }

    private FileStream OpenFile() =>
        new(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);

    private void Thin()
    {
        byte[] lines = new byte[_file.Length];
        _file.Position = 0;
        _file.ReadExactly(lines);
        (byte[] left, Every) = MetricsThinning.Thin(lines, ThinnedBytesMax);
        _file.Dispose();
        AtomicFile.Write(
            _path,
            stream => stream.Write(left),
            guard: _guard is null ? null : new WriteGuard(_guard, $"process-{Environment.ProcessId}"));
        _file = OpenFile();
        _file.Seek(0, SeekOrigin.End);
        Thinnings++;
    }

    /// <summary>Writes out what is gathered and closes the file.</summary>
    public void Dispose()
    {
        try
        {
            Flush();
        }
        finally
        {
            _json.Dispose();
            _file.Dispose();
        }
    }

    private void WriteIfKnown(string name, double? value)
    {
        if (value is { } known)
        {
            WriteFinite(name, known);
        }
    }

    /// <summary>JSON has no infinity and no NaN: they become null.</summary>
    private void WriteFinite(string name, double value)
    {
        if (double.IsFinite(value))
        {
            _json.WriteNumber(name, value);
        }
        else
        {
            _json.WriteNull(name);
        }
    }
}
