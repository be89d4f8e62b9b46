using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>Elementary functions by our own polynomials: the C libraries' differ from machine to machine.</summary>
internal static class Transcendental
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>1.5 * 2^23: adding it rounds a small float to an integer, kept in the low bits.</summary>
    private const float RoundingShift = 12582912f;

    /// <summary>e^x, for x limited to [-87, 88]; NaN gives NaN.</summary>
    /// <remarks>
    /// x = n ln 2 + r with |r| at most 0.35; the Taylor polynomial of degree 7 errs by less than 1e-8 there.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TVector>(TVector x)
        where TVector : struct, IVector<TVector>
    {
        x = TVector.Clamp(x, TVector.Broadcast(-87f), TVector.Broadcast(88f));
        TVector sum = Reduce(x, out TVector r, out TVector power);
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f));
        return sum * power;
    }

    /// <summary>1 / (1 + e^-x); NaN gives NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TVector>(TVector x)
        where TVector : struct, IVector<TVector>
    {
        TVector one = TVector.Broadcast(1f);
        return one / (one + Exp(TVector.Broadcast(0f) - x));
    }

    /// <summary>e^x - 1 for x of at most 0, limited to [-87, 0]; NaN gives NaN.</summary>
    /// <remarks>
    /// x = n ln 2 + r; 2^n (e^r - 1) + (2^n - 1), where e^r - 1 comes from its own polynomial, so that small x lose
    /// nothing. Within 2 units in the last place.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector ExpMinusOne<TVector>(TVector x)
        where TVector : struct, IVector<TVector>
    {
        TVector one = TVector.Broadcast(1f);
        x = TVector.Clamp(x, TVector.Broadcast(-87f), TVector.Broadcast(0f));
        TVector sum = Reduce(x, out TVector r, out TVector power);
        sum = TVector.MultiplyAdd(r * r, sum, r);
        return TVector.MultiplyAdd(sum, power, power - one);
    }

    /// <summary>Hyperbolic tangent; NaN gives NaN, infinities 1 and -1.</summary>
    /// <remarks>
    /// Below 0.625 an odd polynomial, above 1 - 2 / (e^2x + 1). Within 2 units in the last place.
    /// Source: Moshier, Cephes Mathematical Library 2.2, 1992, tanhf.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TVector>(TVector x)
        where TVector : struct, IVector<TVector>
    {
        TVector zero = TVector.Broadcast(0f);
        TVector one = TVector.Broadcast(1f);
        TVector isNegative = TVector.GreaterThan(zero, x);
        TVector size = TVector.Select(isNegative, zero - x, x);
        TVector large = one - (TVector.Broadcast(2f) / (Exp(size + size) + one));
        large = TVector.Select(isNegative, zero - large, large);
        TVector square = x * x;
        TVector sum = TVector.Broadcast(-5.70498872745e-3f);
        sum = TVector.MultiplyAdd(sum, square, TVector.Broadcast(2.06390887954e-2f));
        sum = TVector.MultiplyAdd(sum, square, TVector.Broadcast(-5.37397155531e-2f));
        sum = TVector.MultiplyAdd(sum, square, TVector.Broadcast(1.33314422036e-1f));
        sum = TVector.MultiplyAdd(sum, square, TVector.Broadcast(-3.33332819422e-1f));
        TVector small = TVector.MultiplyAdd(sum * square, x, x);
        return TVector.Select(TVector.GreaterThan(size, TVector.Broadcast(0.625f)), large, small);
    }

    /// <summary>
    /// Splits x = n ln 2 + r with power = 2^n, and gives the Taylor series of e^r from its square on, divided by r^2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Reduce<TVector>(TVector x, out TVector r, out TVector power)
        where TVector : struct, IVector<TVector>
    {
        TVector shift = TVector.Broadcast(RoundingShift);
        TVector shifted = TVector.MultiplyAdd(x, TVector.Broadcast(Log2E), shift);
        TVector n = shifted - shift;
        r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2High), x);
        r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2Low), r);
        TVector sum = TVector.Broadcast(1f / 5040);
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 720));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 120));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 24));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 6));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(0.5f));
        power = TVector.PowerOfTwo(shifted);
        return sum;
    }
}
