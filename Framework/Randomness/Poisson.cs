using Distributed.Framework.Kernels;

namespace Distributed.Framework.Randomness;

/// <summary>Poisson numbers as a function of key and counter.</summary>
/// <remarks>
/// Below a mean of 10 the distribution is inverted by adding up its probabilities; from there on Hoermann's transformed
/// rejection (PTRS), whose mean number of attempts is 1.1 or less. Float64 with +, -, *, /, square root and the
/// series of <see cref="Elementary"/> only, so the same bits everywhere.
/// Source: Hoermann 1993, "The transformed rejection method for generating Poisson random variables", algorithm PTRS.
/// </remarks>
public static class Poisson
{
    /// <summary>Larger means are drawn as this one.</summary>
    public const double MeanMax = 1e9;

    private const double InversionMax = 10;
    private const int ElementBits = 27;
    private const int AttemptsMax = 1 << (32 - ElementBits);
    private const double HalfLogTwoPi = 0.91893853320467274178;
    private static readonly double[] s_logFactorials = SmallLogFactorials();

    /// <summary>A number at a counter.</summary>
    /// <param name="random">Seed and purpose.</param>
    /// <param name="counter0">First counter.</param>
    /// <param name="counter1">Second counter.</param>
    /// <param name="counter2">Third counter.</param>
    /// <param name="element">Below 2^27; attempts 2 j and 2 j + 1 take block element + j 2^27.</param>
    /// <param name="mean">Expected value; NaN, 0 and less give 0.</param>
    public static double Draw(
        Philox random, uint counter0, uint counter1, uint counter2, uint element, double mean)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(element, 1u << ElementBits);
        if (!(mean > 0))
        {
            return 0;
        }

        mean = Math.Min(mean, MeanMax);
        RandomBlock block = random.Block(counter0, counter1, counter2, element);
        return mean < InversionMax ? Invert(mean, ToUnit(block.Word0, block.Word1)) : Reject(mean, block);

        double Reject(double rate, RandomBlock first)
        {
            Ptrs ptrs = new(rate);
            for (uint attempt = 0; attempt < AttemptsMax; attempt++)
            {
                RandomBlock words = attempt == 0
                    ? first
                    : random.Block(counter0, counter1, counter2, element + (attempt << ElementBits));
                double? count = ptrs.Try(ToUnit(words.Word0), ToUnit(words.Word1))
                    ?? ptrs.Try(ToUnit(words.Word2), ToUnit(words.Word3));
                if (count is { } accepted)
                {
                    return accepted;
                }
            }

            return Math.Floor(rate + 0.5); // One time in 10^60.
        }
    }

    /// <summary>Logarithm of k!, for whole k of 0 or more.</summary>
    internal static double LogFactorial(double k)
    {
        if (k < s_logFactorials.Length)
        {
            return s_logFactorials[(int)k];
        }

        double reciprocal = 1 / k;
        double square = reciprocal * reciprocal;
        double series = reciprocal * ((1.0 / 12) - (square * ((1.0 / 360) - (square * (1.0 / 1260)))));
        return ((k + 0.5) * Elementary.Log(k)) - k + HalfLogTwoPi + series;
    }

    private static double Invert(double mean, double unit)
    {
        double probability = Elementary.Exp(-mean);
        double sum = probability;
        int count = 0;
        while (unit > sum && count < 100)
        {
            count++;
            probability *= mean / count;
            sum += probability;
        }

        return count;
    }

    private static double[] SmallLogFactorials()
    {
        double[] table = new double[16];
        for (int k = 2; k < table.Length; k++)
        {
            table[k] = table[k - 1] + Elementary.Log(k);
        }

        return table;
    }

    /// <summary>In (0, 1).</summary>
    private static double ToUnit(uint word) => (word + 0.5) * (1.0 / (1L << 32));

    /// <summary>In (0, 1), in steps of 2^-52.</summary>
    private static double ToUnit(uint upper, uint lower) =>
        (((((ulong)upper << 32) | lower) >> 12) + 0.5) * (1.0 / (1L << 52));

    /// <summary>The constants of one mean; names as in the source.</summary>
    private readonly struct Ptrs
    {
        private readonly double _mean;
        private readonly double _a;
        private readonly double _b;
        private readonly double _inverseAlpha;
        private readonly double _vr;

        public Ptrs(double mean)
        {
            _mean = mean;
            _b = 0.931 + (2.53 * Math.Sqrt(mean));
            _a = -0.059 + (0.02483 * _b);
            _inverseAlpha = 1.1239 + (1.1328 / (_b - 3.4));
            _vr = 0.9277 - (3.6224 / (_b - 2));
        }

        /// <summary>The count, or null if two uniform numbers are rejected.</summary>
        public double? Try(double first, double v)
        {
            double u = first - 0.5;
            double us = 0.5 - Math.Abs(u);
            double k = Math.Floor((((2 * _a / us) + _b) * u) + _mean + 0.43);
            if (us >= 0.07 && v <= _vr)
            {
                return k;
            }

            if (k < 0 || (us < 0.013 && v > us))
            {
                return null;
            }

            double bound = (k * Elementary.Log(_mean)) - _mean - LogFactorial(k);
            double log = Elementary.Log(v) + Elementary.Log(_inverseAlpha) - Elementary.Log((_a / (us * us)) + _b);
            return log <= bound ? k : null;
        }
    }
}
