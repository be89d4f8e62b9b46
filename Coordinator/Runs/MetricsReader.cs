using System.Text.Json;

namespace Distributed.Coordinator.Runs;

/// <summary>Reads metrics.jsonl back, for reports and for resuming. A torn or foreign line ends it.</summary>
public static class MetricsReader
{
    private const int LineBytesMax = 1 << 16;

    /// <summary>All whole lines, in order; none if there is no file.</summary>
    public static IReadOnlyList<StepMetrics> Read(string path)
    {
        List<StepMetrics> history = [];
        if (File.Exists(path))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Scan(file, long.MaxValue, history.Add);
        }

        return history;
    }

    /// <summary>The last whole line of a file that may be long, and may be written to; null if there is none.</summary>
    public static StepMetrics? ReadLast(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] tail = new byte[Math.Min(file.Length, 2 * LineBytesMax)];
        file.Seek(-tail.Length, SeekOrigin.End);
        Memory<byte> left = tail.AsMemory(0, file.ReadAtLeast(tail, tail.Length, throwOnEndOfStream: false));
        while (left.Span.LastIndexOf((byte)'\n') is var end and >= 0)
        {
            left = left[..end];
            if (TryParse(left[(left.Span.LastIndexOf((byte)'\n') + 1)..], out StepMetrics metrics))
            {
                return metrics;
            }
        }

        return null;
    }

    /// <summary>
    /// Where the last whole line ends whose step, and that of all before it, is at most this one; and what it says.
    /// </summary>
    internal static (long End, StepMetrics? Last) FindEnd(Stream file, long step)
    {
        StepMetrics? last = null;
        long end = Scan(file, step, metrics => last = metrics);
        return (end, last);
    }

    private static long Scan(Stream file, long lastStep, Action<StepMetrics> onLine)
    {
        byte[] buffer = new byte[2 * LineBytesMax];
        int filled = 0;
        long end = 0;
        file.Position = 0;
        while (true)
        {
            int count = file.Read(buffer, filled, buffer.Length - filled);
            filled += count;
            int used = 0;
            while (buffer.AsSpan(used, filled - used).IndexOf((byte)'\n') is var length and >= 0)
            {
                if (!TryParse(buffer.AsMemory(used, length), out StepMetrics metrics) || metrics.Step > lastStep)
                {
                    return end;
                }

                onLine(metrics);
                used += length + 1;
                end += length + 1;
            }

            filled -= used;
            buffer.AsSpan(used, filled).CopyTo(buffer);
            if (count == 0 || filled == buffer.Length)
            {
                return end;
            }
        }
    }

    internal static bool TryParse(ReadOnlyMemory<byte> line, out StepMetrics metrics)
    {
        metrics = default;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("step", out JsonElement step)
                || !step.TryGetInt64(out long number))
            {
                return false;
            }

            metrics = new StepMetrics(
                number,
                (int)(Number(root, "epoch") ?? 0),
                Number(root, "loss") ?? double.NaN,
                Number(root, "lr") ?? double.NaN,
                Number(root, "imagesPerSecond") ?? double.NaN,
                Number(root, "seconds") ?? double.NaN,
                (int)(Number(root, "workers") ?? 0),
                (long)(Number(root, "recomputedShards") ?? 0),
                Number(root, "psnr"),
                Number(root, "waitSeconds") ?? 0,
                Number(root, "sumSeconds") ?? 0,
                Number(root, "updateSeconds") ?? 0,
                Number(root, "computeSeconds") ?? 0,
                (long)(Number(root, "bytesIn") ?? 0),
                (long)(Number(root, "bytesOut") ?? 0),
                Number(root, "psnrEstimated"),
                Number(root, "ssim"),
                Number(root, "accuracy"),
                Number(root, "validationLoss"),
                Number(root, "epochLoss"));
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static double? Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out double number) ? number : null;
}
