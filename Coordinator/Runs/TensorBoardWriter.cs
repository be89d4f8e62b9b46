using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Distributed.Coordinator.Runs;

/// <summary>Writes a TensorBoard event file: scalars by step, one writer a file.</summary>
/// <remarks>
/// A record, and the protocol buffer messages in it, by field number:
/// <code>
/// uint64 length | uint32 masked CRC-32C of the length | data | uint32 masked CRC-32C of the data   (little-endian)
/// Event:         1 wall_time double, 2 step int64, 3 file_version string, 5 summary Summary, 7 session_log SessionLog
/// Summary:       1 value Value, repeated; Value: 1 tag string, 2 simple_value float
/// SessionLog:    1 status enum, START = 1: TensorBoard forgets what earlier files say from this step on
/// </code>
/// Source: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer.cc (2.x).
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private const uint MaskDelta = 0xa282ead8;
    private const int StatusStart = 1;
    private static readonly TimeSpan s_flushAfter = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly long _lastStep;
    private readonly TimeProvider _clock;
    private readonly byte[] _record = new byte[512];
    private FileStream _file;
    private long _flushed;
    private int _length;
    private int _files;

    /// <summary>How long ago what is written now was measured.</summary>
    private double _secondsAgo;

    /// <summary>Starts a file of this life in the run folder.</summary>
    /// <param name="folder">The run folder; files of earlier lives stay beside the new one.</param>
    /// <param name="term">Which life of the coordinator this is; keeps the names apart.</param>
    /// <param name="lastStep">Step of the checkpoint that the run goes on from; 0 for a new run.</param>
    /// <param name="clock">Dates the events.</param>
    public TensorBoardWriter(string folder, long term, long lastStep, TimeProvider clock)
    {
        _clock = clock;
        _flushed = clock.GetTimestamp();
        string name = string.Create(
            CultureInfo.InvariantCulture,
            $"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds():D10}.{Environment.MachineName}.{term}");
        _path = Path.Combine(folder, name);
        _lastStep = lastStep;
        _file = Begin(_path);
    }

    /// <summary>
    /// Writes all steps of this life anew, into another file that TensorBoard takes in place of this one's.
    /// </summary>
    /// <param name="history">What is kept, in the order of the steps.</param>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Restart(IReadOnlyList<StepMetrics> history)
    {
        ArgumentNullException.ThrowIfNull(history);
        string old = _file.Name;
        _file.Dispose();
        _files++;
        _file = Begin(string.Create(CultureInfo.InvariantCulture, $"{_path}.{_files:D6}"));
        foreach (StepMetrics metrics in history.Where(metrics => metrics.Step > _lastStep))
        {
            _secondsAgo = history[^1].Seconds - metrics.Seconds;
            Append(metrics);
        }

        _secondsAgo = 0;
        Flush();
        File.Delete(old);
    }

    private FileStream Begin(string path)
    {
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 14);
        BeginEvent(step: null);
        PutBytes(field: 3, "brain.Event:2"u8);
        WriteRecord();
        BeginEvent(_lastStep + 1);
        PutTag(field: 7, wireType: 2);
        PutVarint(2);
        PutTag(field: 1, wireType: 0);
        PutVarint(StatusStart);
        WriteRecord();
        Flush();
        return _file;
    }

    /// <summary>Adds the scalars of a step: loss, images per second, and PSNR if it was measured.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Append(in StepMetrics metrics)
    {
        WriteScalar(metrics.Step, "loss", metrics.Loss);
        WriteScalar(metrics.Step, "images_per_second", metrics.ImagesPerSecond);
        WriteIfKnown(metrics.Step, "psnr", metrics.Psnr);
        WriteIfKnown(metrics.Step, "psnr_estimated", metrics.PsnrEstimated);
        WriteIfKnown(metrics.Step, "ssim", metrics.Ssim);
        WriteIfKnown(metrics.Step, "accuracy", metrics.Accuracy);
        WriteIfKnown(metrics.Step, "validation_loss", metrics.ValidationLoss);
        WriteIfKnown(metrics.Step, "epoch_loss", metrics.EpochLoss);

        if (_clock.GetElapsedTime(_flushed) >= s_flushAfter)
        {
            Flush();
        }
    }

    /// <summary>Writes out what is gathered.</summary>
    public void Flush()
    {
        _flushed = _clock.GetTimestamp();
        _file.Flush();
    }

    /// <summary>Writes out what is gathered and closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void WriteIfKnown(long step, string tag, double? value)
    {
        if (value is { } known)
        {
            WriteScalar(step, tag, known);
        }
    }

    private void WriteScalar(long step, string tag, double value)
    {
        BeginEvent(step);
        int tagBytes = Encoding.UTF8.GetByteCount(tag);
        int valueBytes = 2 + tagBytes + 1 + sizeof(float);
        PutTag(field: 5, wireType: 2);
        PutVarint((ulong)(2 + valueBytes));
        PutTag(field: 1, wireType: 2);
        PutVarint((ulong)valueBytes);
        PutTag(field: 1, wireType: 2);
        PutVarint((ulong)tagBytes);
        _length += Encoding.UTF8.GetBytes(tag, _record.AsSpan(_length));
        PutTag(field: 2, wireType: 5);
        BinaryPrimitives.WriteSingleLittleEndian(_record.AsSpan(_length), (float)value);
        _length += sizeof(float);
        WriteRecord();
    }

    private void BeginEvent(long? step)
    {
        _length = 0;
        PutTag(field: 1, wireType: 1);
        double seconds = (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds - _secondsAgo;
        BinaryPrimitives.WriteDoubleLittleEndian(_record.AsSpan(_length), seconds);
        _length += sizeof(double);
        if (step is { } number)
        {
            PutTag(field: 2, wireType: 0);
            PutVarint((ulong)number);
        }
    }

    private void PutTag(int field, int wireType) => PutVarint((ulong)((field << 3) | wireType));

    private void PutBytes(int field, ReadOnlySpan<byte> bytes)
    {
        PutTag(field, wireType: 2);
        PutVarint((ulong)bytes.Length);
        bytes.CopyTo(_record.AsSpan(_length));
        _length += bytes.Length;
    }

    private void PutVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _record[_length++] = (byte)(value | 0x80);
        }

        _record[_length++] = (byte)value;
    }

    private void WriteRecord()
    {
        Span<byte> frame = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)_length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[sizeof(ulong)..], MaskedCrc(frame[..sizeof(ulong)]));
        _file.Write(frame);
        _file.Write(_record, 0, _length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, MaskedCrc(_record.AsSpan(0, _length)));
        _file.Write(frame[..sizeof(uint)]);
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + MaskDelta;
    }
}
