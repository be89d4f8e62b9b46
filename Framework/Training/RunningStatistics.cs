using Distributed.Framework.Models;

namespace Distributed.Framework.Training;

/// <summary>The one update a step of the buffers behind the parameters.</summary>
internal static class RunningStatistics
{
    /// <summary>running = (1 - momentum) running + momentum sum / samples, in float32.</summary>
    /// <param name="buffers">The model's.</param>
    /// <param name="old">A flat state; its buffers before the step.</param>
    /// <param name="gradientSum">In its tail, the shards' statistics, each times its samples.</param>
    /// <param name="samples">Samples of the batch.</param>
    /// <param name="target">A flat state, whose buffers are overwritten; may be <paramref name="old"/>.</param>
    public static void Move(
        IReadOnlyList<BufferSpec> buffers,
        ReadOnlySpan<float> old,
        ReadOnlySpan<float> gradientSum,
        int samples,
        Span<float> target)
    {
        for (int index = 0; index < buffers.Count; index++)
        {
            BufferSpec buffer = buffers[index];
            int end = buffer.Start + buffer.Count;
            for (int i = buffer.Start; i < end; i++)
            {
                float kept = (1 - buffer.Momentum) * old[i];
                target[i] = MathF.FusedMultiplyAdd(buffer.Momentum, gradientSum[i] / samples, kept);
            }
        }
    }
}
