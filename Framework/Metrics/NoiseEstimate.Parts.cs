using Distributed.Framework.Tensors;

namespace Distributed.Framework.Metrics;

/// <summary>Of pictures that are read in parts.</summary>
public static partial class NoiseEstimate
{
    private const int BandElements = 1 << 20;

    /// <summary>The same of a picture that need not be in memory.</summary>
    /// <param name="read">Gives its parts; it is asked twice for each.</param>
    /// <param name="shape">Its shape.</param>
    /// <returns>0 or more; 0 for pictures of less than 4 pixels a side.</returns>
    public static double Sigma(PictureReader read, ImageShape shape)
    {
        ArgumentNullException.ThrowIfNull(read);
        Magnitudes[] channels = [.. Enumerable.Range(0, shape.C).Select(_ => new Magnitudes())];
        for (int pass = 0; pass < 2; pass++)
        {
            // Even, so that a band goes on with the coefficient after the last of the band before.
            int rows = Math.Max(1, BandElements / (2 * shape.C * shape.W)) * 2;
            for (int top = 0; top + Taps <= shape.H; top += rows)
            {
                ImageShape band = shape with { H = Math.Min(rows + Taps - 2, shape.H - top) };
                float[] values = new float[band.Elements];
                read(top, 0, band, values);
                int pixels = band.H * band.W;
                for (int c = 0; c < shape.C; c++)
                {
                    Add(values.AsSpan(c * pixels, pixels), band.H, band.W, channels[c]);
                }
            }

            if (pass == 0)
            {
                Array.ForEach(channels, sizes => sizes.Sort());
            }
        }

        return channels.Sum(sizes => sizes.Median / NormalMedian) / shape.C;
    }

    private static void Add(ReadOnlySpan<float> plane, int height, int width, Magnitudes sizes)
    {
        for (int y = 0; y + Taps <= height; y += 2)
        {
            for (int x = 0; x + Taps <= width; x += 2)
            {
                sizes.Add(Math.Abs(Coefficient(plane[((y * width) + x)..], width)));
            }
        }
    }
}
