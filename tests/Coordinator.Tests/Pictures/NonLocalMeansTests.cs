using Distributed.Coordinator.Pictures;
using Distributed.Framework.Tensors;

namespace Distributed.Coordinator.Tests.Pictures;

public sealed class NonLocalMeansTests
{
    private const double Sigma = 0.0577;
    private static readonly ImageShape s_shape = new(3, 12, 14);

    /// <summary>
    /// Goal: the baseline is the one that people know. Method: values of scikit-image 0.19.3, denoise_nl_means with
    /// patch_size=5, patch_distance=9, h=0.4*sigma, sigma=sigma, fast_mode=True, channel_axis=-1, on a checkerboard
    /// with a gradient and noise, smaller than the distance searched. Its exp is an approximation, good to about 3 %.
    /// </summary>
    [Fact]
    public void Denoise_Checkerboard_IsAsByScikitImage()
    {
        float[] denoised = NonLocalMeans.Denoise(Checkerboard(), s_shape, Sigma);
        AssertPixel([0.35875854f, 0.3954609f, 0.43005803f], denoised, 0, 0);
        AssertPixel([0.27894795f, 0.31354508f, 0.5481422f], denoised, 5, 6);
        AssertPixel([0.39140692f, 0.43558928f, 0.48311347f], denoised, 11, 13);
        AssertPixel([0.83425456f, 0.8725341f, 0.9071312f], denoised, 3, 9);
        Assert.Equal(0.6098519, denoised.Average(), 4e-4);
    }

    [Fact]
    public void Denoise_OneChannel_IsAsByScikitImage()
    {
        float[] denoised = NonLocalMeans.Denoise(Checkerboard().AsSpan(0, 12 * 14), new ImageShape(1, 12, 14), Sigma);
        Assert.Equal(0.35875854, denoised[0], 2e-3);
        Assert.Equal(0.27894795, denoised[(5 * 14) + 6], 2e-3);
        Assert.Equal(0.37560517, denoised[(11 * 14) + 13], 2e-3);
    }

    private static float[] Checkerboard()
    {
        float[] picture = new float[s_shape.Elements];
        for (int i = 0; i < picture.Length; i++)
        {
            (int c, int y, int x) = (i / (12 * 14), i / 14 % 12, i % 14);
            double value = 0.3 + (0.4 * ((x > 6) ^ (y > 5) ? 1 : 0)) + (0.01 * x) + (0.05 * c);
            uint mixed = unchecked((uint)((y * 131) + (x * 71) + (c * 29)) * 2654435761u);
            picture[i] = (float)(value + (0.2 * ((mixed / 4294967296.0) - 0.5)));
        }

        return picture;
    }

    private static void AssertPixel(float[] expected, float[] denoised, int y, int x)
    {
        for (int c = 0; c < 3; c++)
        {
            Assert.Equal(expected[c], denoised[(((c * 12) + y) * 14) + x], 2e-3);
        }
    }
}
