using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Framework.Execution;

/// <summary>
/// Moves the 3 x 3 weights of up to 16 channels between PyTorch's order and [inputs][9][16], which Winograd's transforms
/// take.
/// </summary>
/// <param name="strides">Floats between neighbours in PyTorch's order.</param>
/// <param name="isTurned">Whether the kernel is turned by half a turn.</param>
internal readonly unsafe struct KernelTaps(WeightStrides strides, bool isTurned)
{
    /// <summary>Weights of a channel.</summary>
    public const int Count = 9;

    private const int Group = ActivationNode.ChannelGroup;

    /// <summary>Channels, and weights, that are moved at once.</summary>
    private const int Block = 4;

    /// <summary>From a channel's weight to its next in [9][16].</summary>
    private readonly nint _row = isTurned ? -Group : Group;

    /// <summary>Where a channel's first weight is in [9][16].</summary>
    private readonly int _first = isTurned ? (Count - 1) * Group : 0;

    /// <summary>Whether the weights of all inputs follow each other, here as there.</summary>
    private bool IsOneRun => strides.In == Count && !isTurned;

    /// <summary>Reads the weights of a group; lanes without a channel stay as they are.</summary>
    /// <param name="weights">The first channel's weights of the first input.</param>
    /// <param name="inputs">How many.</param>
    /// <param name="channels">1 to 16.</param>
    /// <param name="taps">[inputs][9][16].</param>
    public void Gather(float* weights, int inputs, int channels, float* taps)
    {
        (int runs, int count) = IsOneRun ? (1, inputs * Count) : (inputs, Count);
        for (int i = 0; i < runs; i++, weights += strides.In, taps += Count * Group)
        {
            GatherRun(weights, count, channels, taps + _first);
        }
    }

    /// <summary><see cref="Gather"/> the other way: adds to the weights, or to zero.</summary>
    public void Scatter(float* taps, int inputs, int channels, float* weights, bool adds)
    {
        (int runs, int count) = IsOneRun ? (1, inputs * Count) : (inputs, Count);
        for (int i = 0; i < runs; i++, weights += strides.In, taps += Count * Group)
        {
            ScatterRun(taps + _first, count, channels, weights, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void GatherRun(float* weights, int count, int channels, float* taps)
    {
        nint row = _row;
        nint step = strides.Out;
        for (; channels >= Block; channels -= Block, weights += Block * step, taps += Block)
        {
            float* target = taps;
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

        for (; channels > 0; channels--, weights += step, taps++)
        {
            for (int i = 0; i < count; i++)
            {
                taps[i * row] = weights[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ScatterRun(float* taps, int count, int channels, float* weights, bool adds)
    {
        nint row = _row;
        nint step = strides.Out;
        for (; channels >= Block; channels -= Block, weights += Block * step, taps += Block)
        {
            float* source = taps;
            int i = 0;
            for (; i + Block <= count; i += Block, source += Block * row)
            {
                Rows rows = Transposed(Load(source, row));
                Store(adds ? rows.Plus(Load(weights + i, step)) : rows.PlusZero(), weights + i, step);
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

        for (; channels > 0; channels--, weights += step, taps++)
        {
            for (int i = 0; i < count; i++)
            {
                weights[i] = (adds ? weights[i] : 0) + taps[i * row];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Rows Load(float* rows, nint step) => new(
        Vector128.Load(rows),
        Vector128.Load(rows + step),
        Vector128.Load(rows + (2 * step)),
        Vector128.Load(rows + (3 * step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Rows block, float* rows, nint step)
    {
        block.A.Store(rows);
        block.B.Store(rows + step);
        block.C.Store(rows + (2 * step));
        block.D.Store(rows + (3 * step));
    }

    /// <summary>Rows as columns: twice the even rows are zipped with each other, and the odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Rows Transposed(Rows rows)
    {
        Vector128<float> evenLow = ZipLow(rows.A, rows.C);
        Vector128<float> evenHigh = ZipHigh(rows.A, rows.C);
        Vector128<float> oddLow = ZipLow(rows.B, rows.D);
        Vector128<float> oddHigh = ZipHigh(rows.B, rows.D);
        return new Rows(
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
    private readonly record struct Rows(
        Vector128<float> A, Vector128<float> B, Vector128<float> C, Vector128<float> D)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Rows Plus(Rows other) => new(A + other.A, B + other.B, C + other.C, D + other.D);

        /// <summary>As adding to zero does: -0 becomes 0.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Rows PlusZero() => Plus(default);
    }
}
