using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>How two sums of shard gradients become one.</summary>
public static unsafe class GradientArithmetic
{
    /// <summary>left += right, gradient and loss; right goes back to its pool.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Combine(PooledBuffer left, PooledBuffer right)
    {
        if (left.Values.Length != right.Values.Length)
        {
            throw new ArgumentException(
                $"Gradients of {left.Values.Length} and {right.Values.Length} elements do not add.", nameof(right));
        }

        KernelSet.Current.Add(right.Values.Pointer, left.Values.Pointer, left.Values.Length);
        left.Loss += right.Loss;
        right.Dispose();
    }

    /// <summary>Whether the loss and every element of the gradient are finite.</summary>
    public static bool IsFinite(PooledBuffer sum) =>
        double.IsFinite(sum.Loss) && KernelSet.Current.AreFinite(sum.Values.Pointer, sum.Values.Length);
}
