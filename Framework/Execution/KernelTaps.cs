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
            Transpose(weights, step, taps, tap);
            Transpose(weights + Block, step, taps + (Block * tap), tap);
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

    /// <summary><see cref="Gather"/> the other way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(float* taps, float* weights, nint step, int channels, bool isTurned)
    {
        nint tap = isTurned ? -Group : Group;
        taps += isTurned ? (Count - 1) * Group : 0;
        for (; channels >= Block; channels -= Block, weights += Block * step, taps += Block)
        {
            Transpose(taps, tap, weights, step);
            Transpose(taps + (Block * tap), tap, weights + Block, step);
            for (int i = 0; i < Block; i++)
            {
                weights[(i * step) + Count - 1] = taps[((Count - 1) * tap) + i];
            }
        }

        for (; channels > 0; channels--, weights += step, taps++)
        {
            for (int i = 0; i < Count; i++)
            {
                weights[i] = taps[i * tap];
            }
        }
    }

    /// <summary>target[j][i] = source[i][j], 4 x 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* source, nint sourceStep, float* target, nint targetStep)
    {
        Matrix4x4 block = Matrix4x4.Transpose(Matrix4x4.Create(
            Vector4.Load(source),
            Vector4.Load(source + sourceStep),
            Vector4.Load(source + (2 * sourceStep)),
            Vector4.Load(source + (3 * sourceStep))));
        block.X.Store(target);
        block.Y.Store(target + targetStep);
        block.Z.Store(target + (2 * targetStep));
        block.W.Store(target + (3 * targetStep));
    }
}
