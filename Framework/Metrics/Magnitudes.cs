namespace Distributed.Framework.Metrics;

/// <summary>The median of numbers of 0 or more, without keeping them: they are given twice.</summary>
/// <remarks>
/// The first time they are counted by their upper bits, which order them; the second time those of the bins that hold
/// the median are counted by value. Exact. Memory: 2 MiB, and the unlike values of two bins, each of them a 256th of an
/// octave.
/// </remarks>
internal sealed class Magnitudes
{
    /// <summary>Of 64 bits: the sign, eleven of the exponent and the first eight of the fraction stay.</summary>
    private const int Shift = 44;

    private readonly int[] _bins = new int[1 << (63 - Shift)];
    private readonly Dictionary<double, int> _values = [];
    private long _all;
    private long _positive;
    private (int Low, int High)? _wanted;

    /// <summary>Takes a number.</summary>
    public void Add(double size)
    {
        int bin = (int)(BitConverter.DoubleToUInt64Bits(size) >> Shift);
        if (_wanted is { } wanted)
        {
            if ((bin == wanted.Low || bin == wanted.High) && size > 0)
            {
                _values[size] = _values.GetValueOrDefault(size) + 1;
            }

            return;
        }

        _all++;
        if (size > 0)
        {
            _positive++;
            _bins[bin]++;
        }
    }

    /// <summary>Ends the first time.</summary>
    public void Sort() => _wanted = (BinOf((_positive - 1) / 2).Bin, BinOf(_positive / 2).Bin);

    /// <summary>
    /// Median of those above 0, of two in the middle their mean; 0 if they are less than half of all, since clipped
    /// areas and frames say nothing, but where most is without noise, there is none.
    /// </summary>
    public double Median
    {
        get
        {
            if (_positive == 0 || 2 * _positive < _all)
            {
                return 0;
            }

            return (At((_positive - 1) / 2) + At(_positive / 2)) / 2;
        }
    }

    private (int Bin, long Before) BinOf(long rank)
    {
        long before = 0;
        for (int bin = 0; bin < _bins.Length; bin++)
        {
            if (rank < before + _bins[bin])
            {
                return (bin, before);
            }

            before += _bins[bin];
        }

        return (0, 0);
    }

    private double At(long rank)
    {
        (int bin, long before) = BinOf(rank);
        foreach (double value in _values.Keys.Order())
        {
            if ((int)(BitConverter.DoubleToUInt64Bits(value) >> Shift) != bin)
            {
                continue;
            }

            before += _values[value];
            if (rank < before)
            {
                return value;
            }
        }

        throw new InvalidOperationException("The numbers were others the second time.");
    }
}
