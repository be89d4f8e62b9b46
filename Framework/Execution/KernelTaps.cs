using System.Numerics;
using System.Runtime.CompilerServices;

namespace Distributed.Framework.Execution;

/// <summary>
/// Moves the 3 x 3 weights of up to 16 channels between PyTorch's order and [9][16], which Winograd's transforms take.
/// </summary>
internal static unsafe class KernelTaps
{
    /// <summary>Weights of a channel.</summary>
    public const int Count = 9;

    private const int Group = ActivationNode.ChannelGroup;

    /// <summary>Channels, and weights, that are moved at once.</summary>
    private const int Block = 4;

    /// <summary>Reads the weights of a group; lanes without a channel stay as they are.</summary>
    /// <param name="weights">The first channel's nine floats.</param>
    /// <param name="step">Floats from channel to channel.</param>
    /// <param name="channels">1 to 16.</param>
    /// <param name="isTurned">Whether the kernel is turned by half a turn.</param>
    /// <param name="taps">[9][16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(float* weights, nint step, int channels, bool isTurned, float* taps)
    {
        nint tap = isTurned ? -Group : Group;
        taps += isTurned ? (Count - 1) * Group : 0;
        for (; channels >= Block; channels -= Block, weights += Block * step, taps += Block)
        {
            Store(Transposed(weights, step), taps, tap);
            Store(Transposed(weights + Block, step), taps + (Block * tap), tap);
            for (int i = 0; i < Block; i++)
            {
                taps[((Count - 1) * tap) + i] = weights[(i * step) + Count - 1];
            }
        }

        for (; channels > 0; channels--, weights += step, taps++)
        {
            for (int i = 0; i < Count; i++)
            {
                taps[i * tap] = weights[i];
            }
        }
    }

    /// <summary><see cref="Gather"/> the other way: adds to the weights, or to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* taps, float* weights, nint step, int channels, bool isTurned, bool adds)
    {
        nint tap = isTurned ? -Group : Group;
        taps += isTurned ? (Count - 1) * Group : 0;
        for (; channels >= Block; channels -= Block, weights += Block * step, taps += Block)
        {
            Store(Transposed(taps, tap) + (adds ? Load(weights, step) : default), weights, step);
            float* more = weights + Block;
            Store(Transposed(taps + (Block * tap), tap) + (adds ? Load(more, step) : default), more, step);
            for (int i = 0; i < Block; i++)
            {
                float* last = weights + (i * step) + Count - 1;
                *last = (adds ? *last : 0) + taps[((Count - 1) * tap) + i];
            }
        }

        for (; channels > 0; channels--, weights += step, taps++)
        {
            for (int i = 0; i < Count; i++)
            {
                weights[i] = (adds ? weights[i] : 0) + taps[i * tap];
            }
        }
    }

    /// <summary>Rows of 4 floats, as columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Matrix4x4 Transposed(float* rows, nint step) => Matrix4x4.Transpose(Load(rows, step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Matrix4x4 Load(float* rows, nint step) => Matrix4x4.Create(
        Vector4.Load(rows),
        Vector4.Load(rows + step),
        Vector4.Load(rows + (2 * step)),
        Vector4.Load(rows + (3 * step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(in Matrix4x4 block, float* rows, nint step)
    {
        block.X.Store(rows);
        block.Y.Store(rows + step);
        block.Z.Store(rows + (2 * step));
        block.W.Store(rows + (3 * step));
    }
}
