using System.Globalization;

namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>A scale from values to places, with round numbers on it.</summary>
internal sealed class Axis
{
    private const int TicksMax = 7;
    private static readonly int[] s_factors = [1, 2, 5, 10];

    private readonly bool _isLog;
    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;

    private Axis(bool isLog, double low, double high, double from, double to, IReadOnlyList<double> ticks)
    {
        _isLog = isLog;
        _low = low;
        _high = high;
        _from = from;
        _to = to;
        Ticks = ticks;
    }

    /// <summary>Values to label.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>Makes one that holds all the values.</summary>
    /// <param name="values">Finite; above 0 on a logarithmic scale.</param>
    /// <param name="isLog">Whether the scale is logarithmic.</param>
    /// <param name="from">Place of the lowest, in pixels.</param>
    /// <param name="to">Place of the highest, in pixels.</param>
    /// <param name="isTight">Whether to end at the values themselves, not at round numbers beyond them.</param>
    public static Axis Create(IEnumerable<double> values, bool isLog, double from, double to, bool isTight)
    {
        double[] all = [.. values];
        (double min, double max) = all.Length == 0 ? (isLog ? 1 : 0, isLog ? 10 : 1) : (all.Min(), all.Max());
        if (isLog && max / min >= 4)
        {
            return CreateLog(min, max, from, to);
        }

        double span = max > min ? max - min : Math.Max(Math.Abs(max) * 0.1, 1e-9);
        double step = Math.Pow(10, Math.Floor(Math.Log10(span / TicksMax)));
        step *= s_factors.First(factor => span / (step * factor) <= TicksMax || factor == 10);
        if (isTight && all.All(double.IsInteger))
        {
            step = Math.Max(step, 1); // There is nothing between two epochs.
        }

        long first = isTight ? (long)Math.Ceiling((min / step) - 1e-9) : (long)Math.Floor((min / step) + 1e-9);
        long last = isTight ? (long)Math.Floor((max / step) + 1e-9) : (long)Math.Ceiling((max / step) - 1e-9);
        double[] ticks = [.. Enumerable.Range(0, (int)(Math.Max(last, first) - first) + 1)
            .Select(i => Round((first + i) * step, step))];
        (double low, double high) = isTight ? (min, max) : (ticks[0], ticks[^1]);
        (low, high) = high > low ? (low, high) : (low - (span / 2), high + (span / 2));
        return new Axis(false, low, high, from, to, ticks);
    }

    /// <summary>Where a value is, in pixels.</summary>
    public double Place(double value)
    {
        double share = _isLog
            ? Math.Log(value / _low) / Math.Log(_high / _low)
            : (value - _low) / (_high - _low);
        return _from + (Math.Clamp(share, -0.05, 1.05) * (_to - _from));
    }

    /// <summary>The label of a tick.</summary>
    public static string Label(double tick) => Math.Abs(tick) is 0 or (>= 1e-4 and < 1e6)
        ? tick.ToString("#,0.######", CultureInfo.InvariantCulture)
        : tick.ToString("0.##e0", CultureInfo.InvariantCulture);

    private static Axis CreateLog(double min, double max, double from, double to)
    {
        int lowest = (int)Math.Floor(Math.Log10(min) + 1e-9);
        int highest = (int)Math.Ceiling(Math.Log10(max) - 1e-9);
        bool isShort = highest - lowest <= 3;
        double[] ticks = [.. Enumerable.Range(lowest, highest - lowest + 1)
            .SelectMany(power => (isShort ? s_factors[..3] : [1]).Select(factor => factor * Math.Pow(10, power)))
            .Where(tick => tick >= min * 0.999 && tick <= max * 1.001)];
        return new Axis(true, min, max, from, to, ticks);
    }

    /// <summary>Takes off what binary fractions add: 0.30000000000000004.</summary>
    private static double Round(double value, double step) =>
        Math.Round(value, Math.Clamp(1 - (int)Math.Floor(Math.Log10(step)), 0, 15));
}
