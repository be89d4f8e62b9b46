using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>A stretch of consecutive floats that a convolution reads for one kernel element.</summary>
/// <param name="Offset">Where it begins, in floats from the pixel that the output starts at.</param>
/// <param name="Count">How many.</param>
internal readonly record struct Run(int Offset, int Count);

/// <summary>
/// The register tiles that all matrix work ends in: rows of broadcast scalars times columns of vectors.
/// </summary>
/// <remarks>
/// Up to 12 rows and 2 columns. TRows and TColumns are constants, so the compiler drops what a smaller tile does not
/// use. Every element is one chain of fused multiply-adds in a written order, whatever the tile and the vector width.
/// </remarks>
internal static unsafe class RegisterTile<TVector, TRows, TColumns>
    where TVector : struct, IVector<TVector>
    where TRows : struct, ITileSize
    where TColumns : struct, ITileSize
{
    /// <summary>
    /// <c>c[r] = start + sum over runs, k of a[r aStep + run.Offset + k] b[k]</c>, in the order of the runs, then of k.
    /// </summary>
    /// <param name="a">Row 0; row r is <paramref name="aStep"/> bytes further each.</param>
    /// <param name="aStep">Bytes between rows of a.</param>
    /// <param name="runs">Which stretches of a are read.</param>
    /// <param name="runCount">Number of runs.</param>
    /// <param name="b">16 floats for every k of all runs, one after the other.</param>
    /// <param name="bColumn">Bytes from the first column's vector to the second's.</param>
    /// <param name="start">What the sums start from, one vector a column for all rows; null: from c itself.</param>
    /// <param name="c">Row 0 of the result, overwritten.</param>
    /// <param name="cStep">Bytes between rows of c.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRuns(
        byte* a, nint aStep, Run* runs, int runCount, byte* b, nint bColumn, float* start, byte* c, nint cStep)
    {
        ThreeRows<TVector> s0 = default, s1 = default, s2 = default, s3 = default;
        ThreeRows<TVector> t0 = default, t1 = default, t2 = default, t3 = default;
        byte* cColumn1 = c + (TVector.Lanes * sizeof(float));
        if (start != null)
        {
            TVector first = TVector.Load(start);
            s0.Fill(first);
            s1.Fill(first);
            s2.Fill(first);
            s3.Fill(first);
            if (TColumns.Count > 1)
            {
                TVector second = TVector.Load(start + TVector.Lanes);
                t0.Fill(second);
                t1.Fill(second);
                t2.Fill(second);
                t3.Fill(second);
            }
        }
        else
        {
            Add(ref s0, ref s1, ref s2, ref s3, c, cStep);
            if (TColumns.Count > 1)
            {
                Add(ref t0, ref t1, ref t2, ref t3, cColumn1, cStep);
            }
        }

        for (int i = 0; i < runCount; i++)
        {
            byte* a0 = a + ((nint)runs[i].Offset * sizeof(float));
            byte* a3 = a0 + (3 * aStep);
            byte* a6 = a0 + (6 * aStep);
            byte* a9 = a0 + (9 * aStep);
            byte* aEnd = a0 + ((nint)runs[i].Count * sizeof(float));
            do
            {
                TVector b0 = TVector.Load((float*)b);
                TVector b1 = TColumns.Count > 1 ? TVector.Load((float*)(b + bColumn)) : default;
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s0, ref t0, a0, aStep, b0, b1, TRows.Count);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s1, ref t1, a3, aStep, b0, b1, TRows.Count - 3);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s2, ref t2, a6, aStep, b0, b1, TRows.Count - 6);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s3, ref t3, a9, aStep, b0, b1, TRows.Count - 9);
                a0 += sizeof(float);
                a3 += sizeof(float);
                a6 += sizeof(float);
                a9 += sizeof(float);
                b += 16 * sizeof(float);
            }
            while (a0 < aEnd);
        }

        Store(ref s0, ref s1, ref s2, ref s3, c, cStep);
        if (TColumns.Count > 1)
        {
            Store(ref t0, ref t1, ref t2, ref t3, cColumn1, cStep);
        }
    }

    /// <summary>
    /// <c>c[r] += sum over y, x of a[y, x][r] b[y, x]</c>: the sum first, then added once, unless the tile continues.
    /// </summary>
    /// <remarks>
    /// The order is y, then x, from zero, or from c where the tile continues; rows are consecutive floats of a.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AccumulatePixels(in PixelTile tile)
    {
        nint aPixel = tile.APixel;
        nint bPixel = tile.BPixel;
        const nint cStep = 16 * sizeof(float);
        ThreeRows<TVector> s0 = default, s1 = default, s2 = default, s3 = default;
        ThreeRows<TVector> t0 = default, t1 = default, t2 = default, t3 = default;
        if (tile.Continues)
        {
            Load(ref s0, ref s1, ref s2, ref s3, tile.C, cStep);
            if (TColumns.Count > 1)
            {
                Load(ref t0, ref t1, ref t2, ref t3, tile.C + tile.CColumn, cStep);
            }
        }

        for (int y = 0; y < tile.H; y++)
        {
            byte* aHere = tile.A + (y * tile.ALine);
            byte* bHere = tile.B + (y * tile.BLine);
            byte* bEnd = bHere + (tile.W * bPixel);
            do
            {
                TVector b0 = TVector.Load((float*)bHere);
                TVector b1 = TColumns.Count > 1 ? TVector.Load((float*)bHere + TVector.Lanes) : default;
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s0, ref t0, aHere, 4, b0, b1, TRows.Count);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s1, ref t1, aHere + 12, 4, b0, b1, TRows.Count - 3);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s2, ref t2, aHere + 24, 4, b0, b1, TRows.Count - 6);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s3, ref t3, aHere + 36, 4, b0, b1, TRows.Count - 9);
                aHere += aPixel;
                bHere += bPixel;
            }
            while (bHere < bEnd);
        }

        byte* c = tile.C;
        if (!tile.Continues)
        {
            Add(ref s0, ref s1, ref s2, ref s3, c, cStep);
        }

        Store(ref s0, ref s1, ref s2, ref s3, c, cStep);
        if (TColumns.Count > 1)
        {
            c += tile.CColumn;
            if (!tile.Continues)
            {
                Add(ref t0, ref t1, ref t2, ref t3, c, cStep);
            }

            Store(ref t0, ref t1, ref t2, ref t3, c, cStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(
        ref ThreeRows<TVector> s0,
        ref ThreeRows<TVector> s1,
        ref ThreeRows<TVector> s2,
        ref ThreeRows<TVector> s3,
        byte* c,
        nint cStep)
    {
        s0.Load(c, cStep, TRows.Count);
        s1.Load(c + (3 * cStep), cStep, TRows.Count - 3);
        s2.Load(c + (6 * cStep), cStep, TRows.Count - 6);
        s3.Load(c + (9 * cStep), cStep, TRows.Count - 9);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ref ThreeRows<TVector> s0,
        ref ThreeRows<TVector> s1,
        ref ThreeRows<TVector> s2,
        ref ThreeRows<TVector> s3,
        byte* c,
        nint cStep)
    {
        s0.AddFrom(c, cStep, TRows.Count);
        s1.AddFrom(c + (3 * cStep), cStep, TRows.Count - 3);
        s2.AddFrom(c + (6 * cStep), cStep, TRows.Count - 6);
        s3.AddFrom(c + (9 * cStep), cStep, TRows.Count - 9);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        ref ThreeRows<TVector> s0,
        ref ThreeRows<TVector> s1,
        ref ThreeRows<TVector> s2,
        ref ThreeRows<TVector> s3,
        byte* c,
        nint cStep)
    {
        s0.Store(c, cStep, TRows.Count);
        s1.Store(c + (3 * cStep), cStep, TRows.Count - 3);
        s2.Store(c + (6 * cStep), cStep, TRows.Count - 6);
        s3.Store(c + (9 * cStep), cStep, TRows.Count - 9);
    }
}
