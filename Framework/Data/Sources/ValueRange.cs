using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Which stored values become 0 and 1.</summary>
/// <remarks>
/// Without bounds of its own (<c>--range</c>), an integer type goes from 0 to its maximum, and floats stay as they are.
/// </remarks>
internal sealed class ValueRange
{
    private readonly double? _low;
    private readonly double? _high;

    /// <exception cref="ConfigurationException">One bound only, or not an interval.</exception>
    public ValueRange(double? low = null, double? high = null)
    {
        if (low.HasValue != high.HasValue
            || (low is { } from && !(double.IsFinite(from) && double.IsFinite(high!.Value) && from < high.Value)))
        {
            throw new ConfigurationException(
                string.Create(CultureInfo.InvariantCulture, $"--range {low}:{high} is no interval."),
                "Give two finite numbers, the lower one first, for example --range 0:4095.");
        }

        _low = low;
        _high = high;
    }

    /// <summary>Whether bounds were given.</summary>
    public bool IsGiven => _low.HasValue;

    /// <summary>The bounds that were given; null for none.</summary>
    public (double Low, double High)? Bounds => _low is { } low ? (low, _high!.Value) : null;

    /// <summary>What each byte becomes.</summary>
    public float[] ByteTable()
    {
        double low = _low ?? 0;
        double high = _high ?? byte.MaxValue;
        float[] table = new float[byte.MaxValue + 1];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = (float)((i - low) / (high - low));
        }

        return table;
    }

    /// <summary>Converts values in place.</summary>
    /// <param name="values">As stored.</param>
    /// <param name="typeMaximum">The largest value of an integer type; null for floats.</param>
    public void Apply(Span<float> values, double? typeMaximum)
    {
        if (!IsGiven && typeMaximum is null)
        {
            return;
        }

        double low = _low ?? 0;
        double high = _high ?? typeMaximum!.Value;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)((values[i] - low) / (high - low));
        }
    }
}
