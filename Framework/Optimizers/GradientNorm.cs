namespace Distributed.Framework.Optimizers;

/// <summary>The length of a gradient, and how a gradient that is too long is shortened.</summary>
public static class GradientNorm
{
    /// <summary>Elements whose squares are added up by themselves.</summary>
    private const int Block = 4096;

    /// <summary>Keeps the quotient finite, as in PyTorch.</summary>
    private const double Epsilon = 1e-6;

    /// <summary>Sum of the squares of all elements.</summary>
    /// <remarks>
    /// In float64, in which the square of a float is exact. Order: within blocks of 4,096 elements by index, from 0;
    /// then block by block. Four blocks go side by side, which changes no sum. NaN and infinities propagate.
    /// </remarks>
    public static double SumOfSquares(ReadOnlySpan<float> values)
    {
        double total = 0;
        int start = 0;
        for (; start + (4 * Block) <= values.Length; start += 4 * Block)
        {
            (double a, double b, double c, double d) = (0, 0, 0, 0);
            ReadOnlySpan<float> first = values.Slice(start, Block);
            ReadOnlySpan<float> second = values.Slice(start + Block, Block);
            ReadOnlySpan<float> third = values.Slice(start + (2 * Block), Block);
            ReadOnlySpan<float> fourth = values.Slice(start + (3 * Block), Block);
            for (int i = 0; i < Block; i++)
            {
                a += (double)first[i] * first[i];
                b += (double)second[i] * second[i];
                c += (double)third[i] * third[i];
                d += (double)fourth[i] * fourth[i];
            }

            total += a;
            total += b;
            total += c;
            total += d;
        }

        for (; start < values.Length; start += Block)
        {
            double sum = 0;
            foreach (float value in values.Slice(start, Math.Min(Block, values.Length - start)))
            {
                sum += (double)value * value;
            }

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
    public static double Clip(ReadOnlySpan<float> gradientSum, double divisor, double normMax)
    {
        double norm = Math.Sqrt(SumOfSquares(gradientSum)) / divisor;
        double coefficient = normMax / (norm + Epsilon);
        return coefficient < 1 ? divisor / coefficient : divisor;
    }
}
