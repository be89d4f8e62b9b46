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
        TVector shift = TVector.Broadcast(RoundingShift);
        TVector shifted = TVector.MultiplyAdd(x, TVector.Broadcast(Log2E), shift);
        TVector n = shifted - shift;
        TVector r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2High), x);
        r = TVector.MultiplyAdd(n, TVector.Broadcast(-Ln2Low), r);
        TVector sum = TVector.Broadcast(1f / 5040);
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 720));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 120));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 24));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f / 6));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(0.5f));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f));
        sum = TVector.MultiplyAdd(sum, r, TVector.Broadcast(1f));
        return sum * TVector.PowerOfTwo(shifted);
    }

    /// <summary>1 / (1 + e^-x); NaN gives NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TVector>(TVector x)
        where TVector : struct, IVector<TVector>
    {
        TVector one = TVector.Broadcast(1f);
        return one / (one + Exp(TVector.Broadcast(0f) - x));
    }
}
