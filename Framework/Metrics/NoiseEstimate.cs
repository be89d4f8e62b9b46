using Distributed.Framework.Tensors;

namespace Distributed.Framework.Metrics;

/// <summary>How noisy a picture is, from the picture alone.</summary>
/// <remarks>
/// The median of the sizes of its finest diagonal wavelet coefficients (Daubechies, four taps), over that of a normal
/// distribution of variance 1: edges and textures are few among them, independent noise is in all. It sees noise that
/// is independent from pixel to pixel; noise that is blurred or compressed looks weaker than it is. As scikit-image's
/// <c>estimate_sigma</c>, but for the coefficients at the edges. Source: Donoho, Johnstone 1994, "Ideal spatial
/// adaptation by wavelet shrinkage".
/// </remarks>
public static partial class NoiseEstimate
{
    private const int Taps = 4;

    // Median of |z| for a standard normal z.
    private const double NormalMedian = 0.6744897501960817;

    private static readonly double[] s_filter =
        [-0.12940952255126037, -0.2241438680420134, 0.8365163037378079, -0.4829629131445341];

    /// <summary>Standard deviation of the noise, in the picture's unit: the mean of the channels'.</summary>
    /// <param name="picture">[C, H, W].</param>
    /// <param name="shape">Its shape.</param>
    /// <returns>0 or more; 0 for pictures of less than 4 pixels a side.</returns>
    public static double Sigma(ReadOnlySpan<float> picture, ImageShape shape)
    {
        double[] sizes = [];
        return Sigma(picture, shape, ref sizes);
    }

    /// <summary>The same as a network takes it, with memory that is kept from picture to picture.</summary>
    internal static float Level(ReadOnlySpan<float> picture, ImageShape shape, ref double[] memory) =>
        (float)Sigma(picture, shape, ref memory);

    private static double Sigma(ReadOnlySpan<float> picture, ImageShape shape, ref double[] memory)
    {
        int rows = ((shape.H - Taps) / 2) + 1;
        int columns = ((shape.W - Taps) / 2) + 1;
        if (shape.H < Taps || shape.W < Taps)
        {
            return 0;
        }

        double sum = 0;
        memory = memory.Length < rows * columns ? new double[rows * columns] : memory;
        Span<double> sizes = memory.AsSpan(0, rows * columns);
        for (int c = 0; c < shape.C; c++)
        {
            ReadOnlySpan<float> plane = picture.Slice(c * shape.H * shape.W, shape.H * shape.W);
            int count = 0;
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < columns; x++)
                {
                    double size = Math.Abs(Coefficient(plane[((2 * y * shape.W) + (2 * x))..], shape.W));
                    sizes[count] = size;
                    count += size > 0 ? 1 : 0;
                }
            }

            // Clipped areas and frames say nothing; but where most is without noise, there is none.
            sum += 2 * count < sizes.Length ? 0 : Median(sizes[..count]) / NormalMedian;
        }

        return sum / shape.C;
    }

    private static double Coefficient(ReadOnlySpan<float> corner, int width)
    {
        double sum = 0;
        for (int y = 0; y < Taps; y++)
        {
            for (int x = 0; x < Taps; x++)
            {
                sum += s_filter[y] * s_filter[x] * corner[(y * width) + x];
            }
        }

        return sum;
    }

    private static double Median(Span<double> values)
    {
        if (values.IsEmpty)
        {
            return 0;
        }

        values.Sort();
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}
