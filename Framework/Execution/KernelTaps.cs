namespace Distributed.Framework.Execution;

/// <summary>
/// Moves the 3 x 3 weights of up to 16 channels between PyTorch's order and [inputs][9][16], which Winograd's
/// transforms take.
/// </summary>
/// <param name="strides">Floats between neighbours in PyTorch's order.</param>
/// <param name="isTurned">Whether the kernel is turned by half a turn.</param>
internal readonly unsafe struct KernelTaps(WeightStrides strides, bool isTurned)
{
    /// <summary>Weights of a channel.</summary>
    public const int Count = 9;

    private const int Group = ActivationNode.ChannelGroup;

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
            WeightRows.Gather(weights, strides.Out, count, channels, taps + _first, _row);
        }
    }

    /// <summary><see cref="Gather"/> the other way: adds to the weights, or to zero.</summary>
    public void Scatter(float* taps, int inputs, int channels, float* weights, bool adds)
    {
        (int runs, int count) = IsOneRun ? (1, inputs * Count) : (inputs, Count);
        for (int i = 0; i < runs; i++, weights += strides.In, taps += Count * Group)
        {
            WeightRows.Scatter(taps + _first, _row, count, channels, weights, strides.Out, adds);
        }
    }
}
