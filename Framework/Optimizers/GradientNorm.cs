using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Optimizers;

/// <summary>The length of a gradient, and how a gradient that is too long is shortened.</summary>
public static class GradientNorm
{
    /// <summary>Elements whose squares are added up by themselves.</summary>
    private const int Block = 4096;

    /// <summary>Sums of a block.</summary>
    private const int Lanes = 8;

    /// <summary>Keeps the quotient finite, as in PyTorch.</summary>
    private const double Epsilon = 1e-6;

    /// <summary>Sum of the squares of all elements.</summary>
    /// <remarks>
    /// In float64, in which the square of a float is exact. Order: within blocks of 4,096 elements eight sums, of every
    /// eighth element by index, from 0; then those eight, from 0; then block by block. Ranges of blocks of large
    /// gradients are shared out to threads, which changes no sum. NaN and infinities propagate.
    /// </remarks>
    public static double SumOfSquares(ReadOnlyMemory<float> values)
    {
        double[] sums = new double[(values.Length + Block - 1) / Block];
        Ranges.Run(values.Length, (start, length) => SumBlocks(
            values.Span.Slice(start, length), sums.AsSpan(start / Block)));
        double total = 0;
        foreach (double sum in sums)
        {
            total += sum;
        }

        return total;
    }

    /// <summary>
    /// What a sum is divided by so that the mean is no longer than <paramref name="normMax"/>: the mean g is multiplied
    /// by <c>min(1, normMax / (|g| + 1e-6))</c>, as in torch.nn.utils.clip_grad_norm_.
    /// </summary>
    /// <param name="gradientSum">Gradient of the summed loss.</param>
    /// <param name="divisor">What makes the mean of it.</param>
    /// <param name="normMax">Euclidean length, more than 0.</param>
    public static double Clip(ReadOnlyMemory<float> gradientSum, double divisor, double normMax)
    {
        double norm = Math.Sqrt(SumOfSquares(gradientSum)) / divisor;
        double coefficient = normMax / (norm + Epsilon);
        return coefficient < 1 ? divisor / coefficient : divisor;
    }

    private static void SumBlocks(ReadOnlySpan<float> values, Span<double> sums)
    {
        for (int start = 0; start < values.Length; start += Block)
        {
            sums[start / Block] = SumBlock(values.Slice(start, Math.Min(Block, values.Length - start)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumBlock(ReadOnlySpan<float> values)
    {
        Vector256<double> first = Vector256<double>.Zero;
        Vector256<double> second = Vector256<double>.Zero;
        ref float start = ref MemoryMarshal.GetReference(values);
        int whole = values.Length / Lanes * Lanes;
        for (int i = 0; i < whole; i += Lanes)
        {
            (Vector256<double> low, Vector256<double> high) =
                Vector256.Widen(Vector256.LoadUnsafe(ref start, (nuint)i));
            first += low * low;
            second += high * high;
        }

        Span<double> lanes = stackalloc double[Lanes];
        first.CopyTo(lanes);
        second.CopyTo(lanes[(Lanes / 2)..]);
        for (int i = whole; i < values.Length; i++)
        {
            lanes[i - whole] += (double)values[i] * values[i];
        }

        double sum = 0;
        foreach (double lane in lanes)
        {
            sum += lane;
        }

        return sum;
    }
}
