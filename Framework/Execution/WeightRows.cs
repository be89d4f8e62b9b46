using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Framework.Execution;

/// <summary>
/// Moves weights between PyTorch's order, where those of a channel follow each other, and rows of one weight of up to
/// 16 channels.
/// </summary>
internal static unsafe class WeightRows
{
    /// <summary>Channels, and weights, that are moved at once.</summary>
    private const int Block = 4;

    /// <summary>Reads consecutive weights of each channel; lanes without a channel stay as they are.</summary>
    /// <param name="weights">The first channel's.</param>
    /// <param name="step">Floats from channel to channel.</param>
    /// <param name="count">Weights of a channel.</param>
    /// <param name="channels">1 to 16.</param>
    /// <param name="rows">[count][channels].</param>
    /// <param name="row">Floats from row to row, either way.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(float* weights, nint step, int count, int channels, float* rows, nint row)
    {
        for (; channels >= Block; channels -= Block, weights += Block * step, rows += Block)
        {
            float* target = rows;
            int i = 0;
            for (; i + Block <= count; i += Block, target += Block * row)
            {
                Store(Transposed(Load(weights + i, step)), target, row);
            }

            for (; i < count; i++, target += row)
            {
                Vector128.Create(
                    weights[i], weights[step + i], weights[(2 * step) + i], weights[(3 * step) + i]).Store(target);
            }
        }

        for (; channels > 0; channels--, weights += step, rows++)
        {
            for (int i = 0; i < count; i++)
            {
                rows[i * row] = weights[i];
            }
        }
    }

    /// <summary><see cref="Gather"/> the other way: adds to the weights, or to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* rows, nint row, int count, int channels, float* weights, nint step, bool adds)
    {
        for (; channels >= Block; channels -= Block, weights += Block * step, rows += Block)
        {
            float* source = rows;
            int i = 0;
            for (; i + Block <= count; i += Block, source += Block * row)
            {
                Square sums = Transposed(Load(source, row));
                Store(sums.Plus(adds ? Load(weights + i, step) : default), weights + i, step);
            }

            for (; i < count; i++, source += row)
            {
                for (int lane = 0; lane < Block; lane++)
                {
                    float* weight = weights + (lane * step) + i;
                    *weight = (adds ? *weight : 0) + source[lane];
                }
            }
        }

        for (; channels > 0; channels--, weights += step, rows++)
        {
            for (int i = 0; i < count; i++)
            {
                weights[i] = (adds ? weights[i] : 0) + rows[i * row];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Square Load(float* rows, nint step) => new(
        Vector128.Load(rows),
        Vector128.Load(rows + step),
        Vector128.Load(rows + (2 * step)),
        Vector128.Load(rows + (3 * step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Square block, float* rows, nint step)
    {
        block.A.Store(rows);
        block.B.Store(rows + step);
        block.C.Store(rows + (2 * step));
        block.D.Store(rows + (3 * step));
    }

    /// <summary>Rows as columns: twice the even rows are zipped with each other, and the odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Square Transposed(Square rows)
    {
        Vector128<float> evenLow = ZipLow(rows.A, rows.C);
        Vector128<float> evenHigh = ZipHigh(rows.A, rows.C);
        Vector128<float> oddLow = ZipLow(rows.B, rows.D);
        Vector128<float> oddHigh = ZipHigh(rows.B, rows.D);
        return new Square(
            ZipLow(evenLow, oddLow), ZipHigh(evenLow, oddLow), ZipLow(evenHigh, oddHigh), ZipHigh(evenHigh, oddHigh));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y)
        : Vector128.Create(x[0], y[0], x[1], y[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y)
        : Vector128.Create(x[2], y[2], x[3], y[3]);

    /// <summary>Four rows of four floats.</summary>
    private readonly record struct Square(
        Vector128<float> A, Vector128<float> B, Vector128<float> C, Vector128<float> D)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Square Plus(Square other) => new(A + other.A, B + other.B, C + other.C, D + other.D);
    }
}
