namespace Distributed.Framework.Kernels;

/// <summary>Elementary functions in float64 by our own series: the C libraries' differ between machines.</summary>
/// <remarks>
/// Additions, multiplications, fused multiply-adds and divisions alone, in one written order: the same bits on every
/// machine. For losses and schedules, not for the kernels of a layer. NaN gives NaN.
/// </remarks>
internal static class Elementary
{
    private const double Log2E = 1.4426950408889634;
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;
    private const double SquareRootHalf = 0.70710678118654752;
    private const double TwoTo54 = 18014398509481984;
    private const double ExponentMin = -708;
    private const double ExponentMax = 709;

    /// <summary>1 / k!.</summary>
    private static ReadOnlySpan<double> ExpTerms =>
    [
        1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5_040, 1.0 / 40_320, 1.0 / 362_880,
        1.0 / 3_628_800, 1.0 / 39_916_800, 1.0 / 479_001_600, 1.0 / 6_227_020_800, 1.0 / 87_178_291_200,
    ];

    /// <summary>1 / (2 k + 1).</summary>
    private static ReadOnlySpan<double> LogTerms =>
    [
        1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23,
    ];

    /// <summary>e^x: 0 below -708, infinite above 709; else within 2 units in the last place.</summary>
    /// <remarks>
    /// x = n ln 2 + r with |r| at most 0.347: the Taylor series to r^14 errs by 2e-19 there. Its even and odd terms are
    /// summed apart, so that two multiply-adds are under way at once.
    /// </remarks>
    public static double Exp(double x)
    {
        if (double.IsNaN(x))
        {
            return x;
        }

        if (x < ExponentMin)
        {
            return 0;
        }

        if (x > ExponentMax)
        {
            return double.PositiveInfinity;
        }

        double n = Math.Round(x * Log2E);
        double r = Math.FusedMultiplyAdd(n, -Ln2High, x);
        r = Math.FusedMultiplyAdd(n, -Ln2Low, r);
        double square = r * r;
        double even = ExpTerms[14];
        double odd = ExpTerms[13];
        for (int k = 12; k >= 4; k -= 2)
        {
            even = Math.FusedMultiplyAdd(even, square, ExpTerms[k]);
            odd = Math.FusedMultiplyAdd(odd, square, ExpTerms[k - 1]);
        }

        even = Math.FusedMultiplyAdd(even, square, ExpTerms[2]);
        double small = Math.FusedMultiplyAdd(Math.FusedMultiplyAdd(odd, r, even), square, r);
        return (1 + small) * BitConverter.Int64BitsToDouble(((long)n + 1023) << 52);
    }

    /// <summary>Natural logarithm: -infinity for 0, NaN below; within 2 units in the last place.</summary>
    /// <remarks>
    /// x = 2^n m with m between sqrt(1/2) and sqrt(2); log m = 2 artanh s with s = (m - 1) / (m + 1), at most 0.172:
    /// what follows s^23 in its series is below 1e-19 of it.
    /// </remarks>
    public static double Log(double x)
    {
        if (double.IsNaN(x) || x < 0)
        {
            return double.NaN;
        }

        if (x == 0 || double.IsPositiveInfinity(x))
        {
            return x == 0 ? double.NegativeInfinity : x;
        }

        int shift = 0;
        if (!double.IsNormal(x))
        {
            x *= TwoTo54;
            shift = 54;
        }

        long bits = BitConverter.DoubleToInt64Bits(x);
        long n = (bits >> 52) - 1022;
        double m = BitConverter.Int64BitsToDouble((bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000);
        if (m < SquareRootHalf)
        {
            m *= 2;
            n--;
        }

        n -= shift;
        double s = (m - 1) / (m + 1);
        double square = s * s;
        double sum = 0;
        for (int k = LogTerms.Length - 1; k >= 1; k--)
        {
            sum = Math.FusedMultiplyAdd(sum, square, LogTerms[k]);
        }

        double small = Math.FusedMultiplyAdd(2 * s * square, sum, n * Ln2Low);
        return Math.FusedMultiplyAdd(n, Ln2High, Math.FusedMultiplyAdd(2, s, small));
    }

    /// <summary>x^y for x above 0: within about |y log x| + 3 units in the last place.</summary>
    public static double Pow(double x, double y) => Exp(y * Log(x));

    /// <summary>x^n by squaring.</summary>
    /// <param name="x">Any number.</param>
    /// <param name="n">At least 0.</param>
    public static double Pow(double x, int n)
    {
        double power = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) != 0)
            {
                power *= x;
            }
        }

        return power;
    }

    /// <summary>cos(pi t) for t from 0 to 1: within 2e-16.</summary>
    /// <remarks>Reduced to angles of at most pi / 4, where the Taylor series to the 18th power errs by 2e-18.</remarks>
    public static double CosPi(double t)
    {
        if (t > 0.5)
        {
            return -CosPi(1 - t);
        }

        if (t > 0.25)
        {
            double a = Math.PI * (0.5 - t);
            return a * Series(a * a, first: 3);
        }

        double angle = Math.PI * t;
        return Series(angle * angle, first: 2);
    }

    /// <summary>1 - q / ((first - 1) first) (1 - q / ((first + 1) (first + 2)) (...)).</summary>
    private static double Series(double q, int first)
    {
        double sum = 1;
        for (int k = first + 16; k >= first; k -= 2)
        {
            sum = Math.FusedMultiplyAdd(sum, -q / (k * (k - 1)), 1);
        }

        return sum;
    }
}
