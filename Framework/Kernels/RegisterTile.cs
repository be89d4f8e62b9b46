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
    /// <summary>Bytes of the weights for one float.</summary>
    private const int WeightBytes = 16 * sizeof(float);

    /// <summary>
    /// <c>c[r] = start + sum over runs, k of a[r aStep + run.Offset + k] b[k]</c>, in the order of the runs, then of k;
    /// zero instead of what is negative, if the tile rectifies.
    /// </summary>
    /// <param name="tile">The first tile.</param>
    /// <param name="tiles">How many, one below the other.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRuns(in RunTile tile, int tiles)
    {
        byte* a = tile.A;
        byte* c = tile.C;
        nint aStep = tile.AStep;
        nint bColumn = tile.BColumn;
        bool prefetches = tile.Prefetches;
        int asked = tiles == 1 ? 4 : tiles < 4 ? 2 : 1;
        Run* runsEnd = tile.Runs + tile.RunCount;
        for (int i = 0; i < tiles; i++)
        {
            ThreeRows<TVector> s0 = default, s1 = default, s2 = default, s3 = default;
            ThreeRows<TVector> t0 = default, t1 = default, t2 = default, t3 = default;
            if (prefetches)
            {
                PrefetchSums(c, tile.CStep, sizeof(float) * TVector.Lanes);
            }

            if (tile.Start != null)
            {
                Fill(ref s0, ref s1, ref s2, ref s3, TVector.Load(tile.Start));
                if (TColumns.Count > 1)
                {
                    Fill(ref t0, ref t1, ref t2, ref t3, TVector.Load(tile.Start + TVector.Lanes));
                }
            }
            else
            {
                Load(ref s0, ref s1, ref s2, ref s3, c, tile.CStep);
                if (TColumns.Count > 1)
                {
                    Load(ref t0, ref t1, ref t2, ref t3, c + (TVector.Lanes * sizeof(float)), tile.CStep);
                }
            }

            // All tiles together, four at most, ask for all weights that come next: they seldom are in a near cache.
            byte* b = tile.B;
            byte* next = b + tile.BNext + (i * asked % 4 * WeightBytes);
            for (Run* run = tile.Runs; run < runsEnd; run++)
            {
                byte* a0 = a + ((nint)run->Offset * sizeof(float));

                // A pointer for every third row: an address has one register times 1, 2, 4 or 8, so from each of them
                // three rows are reached without arithmetic.
                byte* a3 = a0 + (3 * aStep);
                byte* a6 = a0 + (6 * aStep);
                byte* a9 = a0 + (9 * aStep);
                byte* end = a0 + ((nint)run->Count * sizeof(float));

                // Four at a time: whatever is not a sum is done once for four.
                for (byte* four = end - (4 * sizeof(float)); a0 <= four;)
                {
                    if (prefetches)
                    {
                        CacheLine.Prefetch(next, WeightBytes, asked);
                        CacheLine.Prefetch(next + bColumn, WeightBytes, asked);
                        next += 4 * WeightBytes;
                    }

                    Multiply(0);
                    Multiply(1);
                    Multiply(2);
                    Multiply(3);
                    a0 += 4 * sizeof(float);
                    a3 += 4 * sizeof(float);
                    a6 += 4 * sizeof(float);
                    a9 += 4 * sizeof(float);
                    b += 4 * WeightBytes;
                }

                while (a0 < end)
                {
                    Multiply(0);
                    a0 += sizeof(float);
                    a3 += sizeof(float);
                    a6 += sizeof(float);
                    a9 += sizeof(float);
                    b += WeightBytes;
                }

                [MethodImpl(MethodImplOptions.AggressiveInlining)]
                void Multiply(int k)
                {
                    // Counts are constants of the type: what is below zero is no code at all.
                    TVector b0 = TVector.Load((float*)(b + (k * WeightBytes)));
                    TVector b1 = TColumns.Count > 1 ? TVector.Load((float*)(b + bColumn + (k * WeightBytes))) : default;
                    ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s0, ref t0, a0, aStep, 4 * k, b0, b1, TRows.Count);
                    ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s1, ref t1, a3, aStep, 4 * k, b0, b1, TRows.Count - 3);
                    ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s2, ref t2, a6, aStep, 4 * k, b0, b1, TRows.Count - 6);
                    ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s3, ref t3, a9, aStep, 4 * k, b0, b1, TRows.Count - 9);
                }
            }

            if (tile.Rectifies)
            {
                Rectify(ref s0, ref s1, ref s2, ref s3);
                if (TColumns.Count > 1)
                {
                    Rectify(ref t0, ref t1, ref t2, ref t3);
                }
            }

            Store(ref s0, ref s1, ref s2, ref s3, c, tile.CStep);
            if (TColumns.Count > 1)
            {
                Store(ref t0, ref t1, ref t2, ref t3, c + (TVector.Lanes * sizeof(float)), tile.CStep);
            }

            a += TRows.Count * aStep;
            c += TRows.Count * tile.CStep;
        }
    }

    /// <summary>
    /// <c>c[r] += sum over y, x of a[y, x][r] b[y, x]</c>: the sum first, then added once, unless the tile continues.
    /// </summary>
    /// <remarks>
    /// The order is y, then x, from zero, or from c where the tile continues; rows are consecutive floats of a.
    /// </remarks>
    /// <param name="tile">The first tile.</param>
    /// <param name="tiles">How many, one below the other.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AccumulatePixels(in PixelTile tile, int tiles)
    {
        nint aPixel = tile.APixel;
        nint bPixel = tile.BPixel;
        const nint cStep = WeightBytes;
        byte* a = tile.A;
        byte* c = tile.C;
        bool adds = !tile.Continues && !tile.Overwrites;
        for (int i = 0; i < tiles; i++, a += TRows.Count * sizeof(float), c += TRows.Count * cStep)
        {
            ThreeRows<TVector> s0 = default, s1 = default, s2 = default, s3 = default;
            ThreeRows<TVector> t0 = default, t1 = default, t2 = default, t3 = default;
            if (tile.Continues)
            {
                Load(ref s0, ref s1, ref s2, ref s3, c, cStep);
                if (TColumns.Count > 1)
                {
                    Load(ref t0, ref t1, ref t2, ref t3, c + tile.CColumn, cStep);
                }
            }
            else if (tile.Prefetches && !tile.Overwrites)
            {
                PrefetchSums(c, cStep, tile.CColumn);
            }

            for (int y = 0; y < tile.H; y++)
            {
                byte* a0 = a + (y * tile.ALine);
                byte* b0 = tile.B + (y * tile.BLine);
                byte* a2 = a0 + (2 * aPixel);
                byte* b2 = b0 + (2 * bPixel);
                int left = tile.W;
                for (; left >= 4; left -= 4)
                {
                    Multiply(a0, b0);
                    Multiply(a0 + aPixel, b0 + bPixel);
                    Multiply(a2, b2);
                    Multiply(a2 + aPixel, b2 + bPixel);
                    a0 += 4 * aPixel;
                    a2 += 4 * aPixel;
                    b0 += 4 * bPixel;
                    b2 += 4 * bPixel;
                }

                for (; left > 0; left--)
                {
                    Multiply(a0, b0);
                    a0 += aPixel;
                    b0 += bPixel;
                }
            }

            if (adds)
            {
                Add(ref s0, ref s1, ref s2, ref s3, c, cStep);
            }

            Store(ref s0, ref s1, ref s2, ref s3, c, cStep);
            if (TColumns.Count > 1)
            {
                if (adds)
                {
                    Add(ref t0, ref t1, ref t2, ref t3, c + tile.CColumn, cStep);
                }

                Store(ref t0, ref t1, ref t2, ref t3, c + tile.CColumn, cStep);
            }

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            void Multiply(byte* row, byte* column)
            {
                TVector first = TVector.Load((float*)column);
                TVector second = TColumns.Count > 1 ? TVector.Load((float*)column + TVector.Lanes) : default;
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s0, ref t0, row, 4, 0, first, second, TRows.Count);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s1, ref t1, row, 4, 12, first, second, TRows.Count - 3);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s2, ref t2, row, 4, 24, first, second, TRows.Count - 6);
                ThreeRows<TVector>.MultiplyAdd<TColumns>(ref s3, ref t3, row, 4, 36, first, second, TRows.Count - 9);
            }
        }
    }

    /// <summary>Asks for what the sums go to, long before they are complete.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchSums(byte* c, nint cStep, nint cColumn)
    {
        CacheLine.Prefetch(c, cStep, TRows.Count);
        if (TColumns.Count > 1 && TVector.Lanes == CacheLine.Floats)
        {
            CacheLine.Prefetch(c + cColumn, cStep, TRows.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill(
        ref ThreeRows<TVector> s0,
        ref ThreeRows<TVector> s1,
        ref ThreeRows<TVector> s2,
        ref ThreeRows<TVector> s3,
        TVector value)
    {
        s0.Fill(value);
        s1.Fill(value);
        s2.Fill(value);
        s3.Fill(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rectify(
        ref ThreeRows<TVector> s0, ref ThreeRows<TVector> s1, ref ThreeRows<TVector> s2, ref ThreeRows<TVector> s3)
    {
        s0.Rectify(TRows.Count);
        s1.Rectify(TRows.Count - 3);
        s2.Rectify(TRows.Count - 6);
        s3.Rectify(TRows.Count - 9);
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
