using Distributed.Framework.Tensors;

namespace Distributed.Coordinator.Pictures;

/// <summary>
/// Non-local means, what a denoiser is compared with: each pixel becomes a mean of pixels whose surroundings are alike.
/// </summary>
/// <remarks>
/// The weight of a pixel is <c>exp(-max(0, sum (p - q)^2 - 2 sigma^2) / (C h^2 s^2))</c> over patches of the two, and
/// 0 where that exponent passes 5. The values are what scikit-image 0.19 gives for <c>denoise_nl_means(patch_size=5,
/// patch_distance=9, h=0.4*sigma, sigma=sigma, fast_mode=True, channel_axis=-1)</c>, but for its approximate exp: in
/// fast mode its sums, taken from an integral image, have 4 of a patch's 5 rows and columns. Sources: Buades, Coll,
/// Morel 2005, "A non-local algorithm for image denoising"; Darbon et al. 2008, "Fast nonlocal filtering applied to
/// electron cryomicroscopy" (integral images); Froment 2014, "Parameter-Free Fast Pixelwise Non-Local Means
/// Denoising".
/// </remarks>
internal static class NonLocalMeans
{
    private const int PatchSide = 5;
    private const int Reach = PatchSide / 2;
    private const int Distance = 9;
    private const int Padding = Reach + Distance + 1;
    private const double Strength = 0.4;
    private const double ExponentMax = 5;

    /// <summary>Denoises one picture.</summary>
    /// <param name="noisy">[C, H, W]; sides of at least 2.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="sigma">Standard deviation of the noise, in the picture's unit; above 0.</param>
    /// <returns>[C, H, W], values within [0, 1].</returns>
    public static float[] Denoise(ReadOnlySpan<float> noisy, ImageShape shape, double sigma)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sigma);
        Sums sums = new(Pad(noisy, shape), shape, sigma);
        for (int down = -Distance; down <= Distance; down++)
        {
            for (int right = 0; right <= Distance; right++)
            {
                sums.Add(down, right);
            }
        }

        return sums.Means();
    }

    /// <summary>Mirrored at the edges without repeating them, as often as it takes for small pictures.</summary>
    private static double[] Pad(ReadOnlySpan<float> noisy, ImageShape shape)
    {
        int height = shape.H + (2 * Padding);
        int width = shape.W + (2 * Padding);
        double[] padded = new double[shape.C * height * width];
        for (int c = 0; c < shape.C; c++)
        {
            for (int y = 0; y < height; y++)
            {
                int row = (((c * shape.H) + Mirror(y - Padding, shape.H)) * shape.W);
                for (int x = 0; x < width; x++)
                {
                    padded[(((c * height) + y) * width) + x] = noisy[row + Mirror(x - Padding, shape.W)];
                }
            }
        }

        return padded;
    }

    private static int Mirror(int position, int length)
    {
        int period = 2 * (length - 1);
        if (period == 0)
        {
            return 0;
        }

        int within = ((position % period) + period) % period;
        return within < length ? within : period - within;
    }

    /// <summary>Weighted sums of the padded picture.</summary>
    private sealed class Sums(double[] padded, ImageShape shape, double sigma)
    {
        private readonly int _height = shape.H + (2 * Padding);
        private readonly int _width = shape.W + (2 * Padding);
        private readonly double[] _values = new double[padded.Length];
        private readonly double[] _weights = new double[padded.Length / shape.C];
        private readonly double[] _integral = new double[padded.Length / shape.C];

        /// <summary>Takes a shift of the picture against itself into the sums, both ways.</summary>
        public void Add(int down, int right)
        {
            Integrate(down, right);
            // Without a shift to the right the same two pixels meet twice.
            double share = right == 0 ? 0.5 : 1;
            double scale = 1 / (shape.C * Strength * sigma * Strength * sigma * PatchSide * PatchSide);
            int bottom = Math.Min(_height - Reach, _height - Reach - down);
            for (int y = Math.Max(Reach, Reach - down); y < bottom; y++)
            {
                int upper = (y - Reach) * _width;
                int lower = (y + Reach) * _width;
                for (int x = Reach; x < _width - Reach - right; x++)
                {
                    double difference = _integral[lower + x + Reach] + _integral[upper + x - Reach]
                        - _integral[upper + x + Reach] - _integral[lower + x - Reach];
                    double exponent = Math.Max(difference, 0) * scale;
                    if (exponent <= ExponentMax)
                    {
                        int pixel = (y * _width) + x;
                        Join(pixel, pixel + (down * _width) + right, share * Math.Exp(-exponent));
                    }
                }
            }
        }

        public float[] Means()
        {
            float[] means = new float[shape.Elements];
            int plane = _height * _width;
            for (int i = 0; i < means.Length; i++)
            {
                int y = i / shape.W % shape.H;
                int pixel = ((y + Padding) * _width) + (i % shape.W) + Padding;
                double value = _values[(i / (shape.H * shape.W) * plane) + pixel] / _weights[pixel];
                means[i] = (float)Math.Clamp(value, 0, 1);
            }

            return means;
        }

        private void Join(int first, int second, double weight)
        {
            _weights[first] += weight;
            _weights[second] += weight;
            for (int c = 0; c < shape.C; c++)
            {
                int plane = c * _height * _width;
                _values[plane + first] += weight * padded[plane + second];
                _values[plane + second] += weight * padded[plane + first];
            }
        }

        /// <summary>Sums, from the corner on, of squared differences less what noise alone makes of them.</summary>
        private void Integrate(int down, int right)
        {
            double expected = 2 * shape.C * sigma * sigma;
            int plane = _height * _width;
            int bottom = Math.Min(_height, _height - down);
            for (int y = Math.Max(1, -down); y < bottom; y++)
            {
                double row = 0;
                for (int x = 1; x < _width - right; x++)
                {
                    int pixel = (y * _width) + x;
                    int other = pixel + (down * _width) + right;
                    double sum = -expected;
                    for (int c = 0; c < shape.C; c++)
                    {
                        double difference = padded[(c * plane) + pixel] - padded[(c * plane) + other];
                        sum += difference * difference;
                    }

                    row += sum;
                    _integral[pixel] = row + _integral[pixel - _width];
                }
            }
        }
    }
}
