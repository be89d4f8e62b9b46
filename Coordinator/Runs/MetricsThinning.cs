using System.Buffers;

namespace Distributed.Coordinator.Runs;

/// <summary>Makes a record of steps that has grown too long shorter.</summary>
/// <remarks>
/// The newest 10,000 steps stay whole; of the older ones every 2^k-th stays, and those that a validation or an epoch
/// ended with, with the least k that will do. If that does not suffice, validations are treated as other steps. Steps
/// stay by their number, so that what is thinned twice is what is thinned once with the larger k.
/// </remarks>
internal static class MetricsThinning
{
    /// <summary>The newest steps that stay whole.</summary>
    public const int WholeSteps = 10_000;

    private const int PowerMax = 40;

    /// <summary>Leaves lines out.</summary>
    /// <param name="lines">Whole lines of metrics.jsonl.</param>
    /// <param name="bytesMax">What may be left; more than the newest steps take.</param>
    /// <returns>What is left, and 2^k.</returns>
    public static (byte[] Lines, long Every) Thin(ReadOnlyMemory<byte> lines, int bytesMax)
    {
        List<Line> all = [.. Read(lines)];
        long whole = all.Count == 0 ? 0 : all[^1].Step - WholeSteps;
        foreach (bool keepsMeasured in new[] { true, false })
        {
            for (int power = 0; power <= PowerMax; power++)
            {
                long every = 1L << power;
                bool Stays(Line line) =>
                    line.Step > whole || line.Step % every == 0 || (keepsMeasured && line.IsMeasured);
                bool isLast = !keepsMeasured && power == PowerMax;
                if (isLast || all.Where(Stays).Sum(line => (long)line.Length) <= bytesMax)
                {
                    ArrayBufferWriter<byte> left = new();
                    foreach (Line line in all.Where(Stays))
                    {
                        left.Write(lines.Span.Slice(line.Start, line.Length));
                    }

                    return (left.WrittenSpan.ToArray(), every);
                }
            }
        }

        throw new InvalidOperationException("The last choice is always taken.");
    }

    private static IEnumerable<Line> Read(ReadOnlyMemory<byte> lines)
    {
        for (int start = 0; start < lines.Length;)
        {
            int length = lines.Span[start..].IndexOf((byte)'\n') + 1;
            if (length == 0 || !MetricsReader.TryParse(lines.Slice(start, length), out StepMetrics step))
            {
                yield break;
            }

            bool isMeasured = (step.Psnr ?? step.PsnrEstimated ?? step.Accuracy ?? step.ValidationLoss
                ?? step.EpochLoss) is not null;
            yield return new Line(step.Step, start, length, isMeasured);
            start += length;
        }
    }

    private readonly record struct Line(long Step, int Start, int Length, bool IsMeasured);
}
