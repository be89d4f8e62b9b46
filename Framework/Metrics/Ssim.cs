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
        _rows = new double[Moments * Window * (shape.W - Window + 1)];
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
            sum += SumWindows(first.Slice(c * pixels, pixels), second.Slice(c * pixels, pixels));
        }

        return sum / windows / _shape.C;
    }

    /// <summary>A row at a time; as many as a window is high are kept, in a ring.</summary>
    private double SumWindows(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        int stride = (_shape.W - Window + 1) * Moments;
        Span<double> moments = stackalloc double[Moments];
        double sum = 0;
        for (int y = 0; y < _shape.H; y++)
        {
            BlurRow(
                first.Slice(y * _shape.W, _shape.W),
                second.Slice(y * _shape.W, _shape.W),
                _rows.AsSpan(y % Window * stride, stride));
            int top = y - Window + 1;
            for (int at = 0; top >= 0 && at < stride; at += Moments)
            {
                moments.Clear();
                for (int i = 0; i < Window; i++)
                {
                    int row = (top + i) % Window * stride;
                    for (int moment = 0; moment < Moments; moment++)
                    {
                        moments[moment] += s_weights[i] * _rows[row + at + moment];
                    }
                }

                sum += Similarity(moments[0], moments[1], moments[2], moments[3], moments[4]);
            }
        }

        return sum;
    }

    /// <summary>The five moments a, b, aa, bb, ab under the window along a row.</summary>
    private static void BlurRow(ReadOnlySpan<float> first, ReadOnlySpan<float> second, Span<double> row)
    {
        for (int x = 0; x <= first.Length - Window; x++)
        {
            ReadOnlySpan<float> a = first.Slice(x, Window);
            ReadOnlySpan<float> b = second.Slice(x, Window);
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

            int at = x * Moments;
            (row[at], row[at + 1], row[at + 2], row[at + 3], row[at + 4]) = (sumA, sumB, sumAA, sumBB, sumAB);
        }
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
