namespace Distributed.Framework.Execution;

/// <summary>
/// Moves the 3 x 3 weights of up to 16 channels between PyTorch's order and [9][16], which Winograd's transforms take.
/// </summary>
internal static unsafe class KernelTaps
{
    /// <summary>Weights of a channel.</summary>
    public const int Count = 9;

    private const int Group = ActivationNode.ChannelGroup;

    /// <summary>Reads the weights of a group; lanes without a channel stay as they are.</summary>
    /// <param name="weights">The first channel's nine floats.</param>
    /// <param name="step">Floats from channel to channel.</param>
    /// <param name="channels">1 to 16.</param>
    /// <param name="isTurned">Whether the kernel is turned by half a turn.</param>
    /// <param name="taps">[9][16].</param>
    public static void Gather(float* weights, nint step, int channels, bool isTurned, float* taps)
    {
        for (int tap = 0; tap < Count; tap++, taps += Group)
        {
            float* source = weights + (isTurned ? Count - 1 - tap : tap);
            for (int lane = 0; lane < channels; lane++, source += step)
            {
                taps[lane] = *source;
            }
        }
    }

    /// <summary><see cref="Gather"/> the other way.</summary>
    public static void Scatter(float* taps, float* weights, nint step, int channels, bool isTurned)
    {
        for (int tap = 0; tap < Count; tap++, taps += Group)
        {
            float* target = weights + (isTurned ? Count - 1 - tap : tap);
            for (int lane = 0; lane < channels; lane++, target += step)
            {
                *target = taps[lane];
            }
        }
    }
}
