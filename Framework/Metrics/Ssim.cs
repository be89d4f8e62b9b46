using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Metrics;

/// <summary>Structural similarity of two images with peak 1: 1 for equal ones.</summary>
/// <remarks>
/// Mean over channels and windows of (2 ma mb + C1) (2 cov + C2) / ((ma^2 + mb^2 + C1) (va + vb + C2)), with means,
/// variances and covariance under a Gaussian window of 11 x 11 and sigma 1.5, C1 = 0.01^2 and C2 = 0.03^2; only windows
/// that lie within the image. Float64, sums in index order; not a number if an element is. One caller at a time: it
/// owns its scratch. Source: Wang, Bovik, Sheikh, Simoncelli 2004, "Image Quality Assessment: From Error Visibility to
/// Structural Similarity".
/// </remarks>
public sealed class Ssim
{
    /// <summary>Side of the window, in pixels: the least height and width of an image.</summary>
    public const int Window = 11;

    private const double Sigma = 1.5;
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;
    private const int Moments = 5;
    private static readonly double[] s_weights = Weights();

    private readonly ImageShape _shape;
    private readonly double[] _rows;

    /// <summary>Makes room for images of one shape.</summary>
    /// <exception cref="ArgumentException">They are smaller than the window.</exception>
    public Ssim(ImageShape shape)
    {
        if (!Fits(shape))
        {
            throw new ArgumentException($"SSIM: images {shape}; allowed are {Window} x {Window} pixels or more.");
        }

        _shape = shape;
        _rows = new double[Moments * shape.H * (shape.W - Window + 1)];
    }

    /// <summary>Whether images are as large as the window.</summary>
    public static bool Fits(ImageShape shape) => shape.H >= Window && shape.W >= Window;

    /// <summary>Measures two images.</summary>
    /// <param name="first">[C, H, W].</param>
    /// <param name="second">[C, H, W].</param>
    public double Measure(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        int pixels = _shape.H * _shape.W;
        int windows = (_shape.H - Window + 1) * (_shape.W - Window + 1);
        double sum = 0;
        for (int c = 0; c < _shape.C; c++)
        {
            BlurRows(first.Slice(c * pixels, pixels), second.Slice(c * pixels, pixels));
            sum += SumWindows();
        }

        return sum / windows / _shape.C;
    }

    /// <summary>The five moments a, b, aa, bb, ab under the window along each row.</summary>
    private void BlurRows(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        int width = _shape.W - Window + 1;
        int at = 0;
        for (int y = 0; y < _shape.H; y++)
        {
            for (int x = 0; x < width; x++, at += Moments)
            {
                ReadOnlySpan<float> a = first.Slice((y * _shape.W) + x, Window);
                ReadOnlySpan<float> b = second.Slice((y * _shape.W) + x, Window);
                double sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0;
                for (int i = 0; i < Window; i++)
                {
                    double weightedA = s_weights[i] * a[i];
                    double weightedB = s_weights[i] * b[i];
                    sumA += weightedA;
                    sumB += weightedB;
                    sumAA += weightedA * a[i];
                    sumBB += weightedB * b[i];
                    sumAB += weightedA * b[i];
                }

                (_rows[at], _rows[at + 1], _rows[at + 2], _rows[at + 3], _rows[at + 4]) =
                    (sumA, sumB, sumAA, sumBB, sumAB);
            }
        }
    }

    private double SumWindows()
    {
        int stride = (_shape.W - Window + 1) * Moments;
        Span<double> moments = stackalloc double[Moments];
        double sum = 0;
        for (int top = 0; top + (Window * stride) <= _rows.Length; top += stride)
        {
            for (int at = top; at < top + stride; at += Moments)
            {
                moments.Clear();
                for (int i = 0; i < Window; i++)
                {
                    for (int moment = 0; moment < Moments; moment++)
                    {
                        moments[moment] += s_weights[i] * _rows[at + (i * stride) + moment];
                    }
                }

                sum += Similarity(moments[0], moments[1], moments[2], moments[3], moments[4]);
            }
        }

        return sum;
    }

    private static double Similarity(double meanA, double meanB, double squareA, double squareB, double product)
    {
        double varianceA = squareA - (meanA * meanA);
        double varianceB = squareB - (meanB * meanB);
        double covariance = product - (meanA * meanB);
        return ((2 * meanA * meanB) + C1) * ((2 * covariance) + C2)
            / (((meanA * meanA) + (meanB * meanB) + C1) * (varianceA + varianceB + C2));
    }

    private static double[] Weights()
    {
        double[] weights = new double[Window];
        for (int i = 0; i < Window; i++)
        {
            double x = i - (Window / 2);
            weights[i] = Elementary.Exp(-x * x / (2 * Sigma * Sigma));
        }

        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
