using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>Three accumulators, one vector of three rows: what register tiles are made of.</summary>
/// <remarks>Three fields stay in registers; a struct of more than four, or an array, would live in memory.</remarks>
internal unsafe struct ThreeRows<TVector>
    where TVector : struct, IVector<TVector>
{
    private TVector _row0;
    private TVector _row1;
    private TVector _row2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(TVector value)
    {
        _row0 = value;
        _row1 = value;
        _row2 = value;
    }

    /// <summary>
    /// row[r] += a[r step + offset] * b0, and the same in the second column, for the first <paramref name="count"/>
    /// rows; steps and offsets in bytes.
    /// </summary>
    /// <remarks>Both columns of a row in turn, so that only one broadcast is alive at a time.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TColumns>(
        ref ThreeRows<TVector> column0,
        ref ThreeRows<TVector> column1,
        byte* a,
        nint step,
        int offset,
        TVector b0,
        TVector b1,
        int count)
        where TColumns : struct, ITileSize
    {
        // count is a constant where this is inlined, so each of the three conditions is decided by the compiler.
        if (count > 0)
        {
            TVector broadcast = TVector.Broadcast(*(float*)(a + offset));
            TVector.Accumulate(ref column0._row0, broadcast, b0);
            if (TColumns.Count > 1)
            {
                TVector.Accumulate(ref column1._row0, broadcast, b1);
            }
        }

        if (count > 1)
        {
            TVector broadcast = TVector.Broadcast(*(float*)(a + step + offset));
            TVector.Accumulate(ref column0._row1, broadcast, b0);
            if (TColumns.Count > 1)
            {
                TVector.Accumulate(ref column1._row1, broadcast, b1);
            }
        }

        if (count > 2)
        {
            TVector broadcast = TVector.Broadcast(*(float*)(a + (2 * step) + offset));
            TVector.Accumulate(ref column0._row2, broadcast, b0);
            if (TColumns.Count > 1)
            {
                TVector.Accumulate(ref column1._row2, broadcast, b1);
            }
        }
    }

    /// <summary>Takes what is in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Load(byte* c, nint step, int count)
    {
        if (count > 0)
        {
            _row0 = TVector.Load((float*)c);
        }

        if (count > 1)
        {
            _row1 = TVector.Load((float*)(c + step));
        }

        if (count > 2)
        {
            _row2 = TVector.Load((float*)(c + (2 * step)));
        }
    }

    /// <summary>Adds what is in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddFrom(byte* c, nint step, int count)
    {
        if (count > 0)
        {
            _row0 += TVector.Load((float*)c);
        }

        if (count > 1)
        {
            _row1 += TVector.Load((float*)(c + step));
        }

        if (count > 2)
        {
            _row2 += TVector.Load((float*)(c + (2 * step)));
        }
    }

    /// <summary>max(row, 0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Rectify(int count)
    {
        if (count > 0)
        {
            _row0 = Rectifier.Forward(_row0, default);
        }

        if (count > 1)
        {
            _row1 = Rectifier.Forward(_row1, default);
        }

        if (count > 2)
        {
            _row2 = Rectifier.Forward(_row2, default);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(byte* c, nint step, int count)
    {
        if (count > 0)
        {
            TVector.Store((float*)c, _row0);
        }

        if (count > 1)
        {
            TVector.Store((float*)(c + step), _row1);
        }

        if (count > 2)
        {
            TVector.Store((float*)(c + (2 * step)), _row2);
        }
    }
}
