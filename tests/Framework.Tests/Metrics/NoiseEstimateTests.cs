using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Metrics;

public sealed class NoiseEstimateTests
{
    private static readonly ImageShape s_shape = new(3, 64, 80);

    /// <summary>
    /// Goal: the estimate is the one that people know. Method: scikit-image 0.19.3's estimate_sigma on the same
    /// picture, a checkerboard with noise from hashed numbers; its edges are mirrored, hence 2 %.
    /// </summary>
    [Fact]
    public void Sigma_NoisyCheckerboard_IsAsByScikitImage()
    {
        float[] picture = Checkerboard(amplitude: 0.05);

        Assert.Equal(0.05061731483845, NoiseEstimate.Sigma(picture, s_shape), 0.001);
        Assert.Equal(
            0.05183155516492559,
            NoiseEstimate.Sigma(picture.AsSpan(2 * 64 * 80), new ImageShape(1, 64, 80)),
            0.001);
    }

    [Fact]
    public void Sigma_NoNoise_IsNearZero() =>
        Assert.InRange(NoiseEstimate.Sigma(Checkerboard(amplitude: 0), s_shape), 0, 0.001);

    /// <summary>Goal: reading in parts changes no bit. Method: pictures of several bands; the last is all of one value.
    /// </summary>
    [Theory]
    [InlineData(1, 1501, 700, 256)]
    [InlineData(3, 1100, 701, 100_000)]
    [InlineData(1, 40, 33, 2)]
    [InlineData(1, 40, 33, 1)]
    public void Sigma_OfParts_IsThatOfTheWhole(int c, int h, int w, int levels)
    {
        ImageShape shape = new(c, h, w);
        uint state = 1;
        float[] picture = new float[shape.Elements];
        foreach (ref float value in picture.AsSpan())
        {
            state = (state * 1664525) + 1013904223;
            value = (float)((state >> 8) % levels) / levels;
        }

        Assert.Equal(NoiseEstimate.Sigma(picture, shape), NoiseEstimate.Sigma(Read, shape));

        void Read(int top, int left, ImageShape part, Span<float> values)
        {
            Assert.Equal((0, w, c), (left, part.W, part.C));
            Assert.InRange(part.H, 1, h - top);
            for (int channel = 0; channel < c; channel++)
            {
                picture.AsSpan(((channel * h) + top) * w, part.H * w).CopyTo(values[(channel * part.H * w)..]);
            }
        }
    }

    [Fact]
    public void Sigma_TooSmall_IsZero() =>
        Assert.Equal(0, NoiseEstimate.Sigma(new float[9], new ImageShape(1, 3, 3)));

    private static float[] Checkerboard(double amplitude)
    {
        float[] picture = new float[s_shape.Elements];
        for (int i = 0; i < picture.Length; i++)
        {
            (int y, int x) = (i / 80 % 64, i % 80);
            double sum = 0;
            for (int k = 0; k < 4; k++)
            {
                uint word = unchecked((uint)((i * 4) + k + 1) * 2246822519u);
                word = unchecked((word ^ (word >> 15)) * 3266489917u);
                sum += (word ^ (word >> 13)) / 4294967296.0;
            }

            picture[i] = (float)(0.2 + (0.4 * (((x / 16) + (y / 16)) % 2)) + (amplitude * (sum - 2) * 1.7320508));
        }

        return picture;
    }
}
