using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Both convolutions against loops, on whole numbers, so that a single wrong product shows.</summary>
/// <remarks>
/// The sizes of image, kernel, stride and padding are all gone through (of large transposed kernels every other image);
/// channels, vector width, images of the shard and images per pass are drawn.
/// </remarks>
public sealed class ConvolutionTwinTests
{
    private static readonly int[] s_bits = [128, 256, 512];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Conv2d_AllSmallSizes_EqualsTwin(int k)
    {
        TestValues values = new((ulong)k);
        for (int stride = 1; stride <= 4; stride++)
        {
            for (int padding = stride == 1 ? Conv2d.Same : 0; padding <= k; padding++)
            {
                ForAllImages(values, (h, w, @in, @out, bias) =>
                    padding != Conv2d.Same && Math.Min(h, w) + (2 * padding) < k
                        ? null
                        : new Conv2d(@in, @out, k, stride, padding, bias));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void ConvTranspose2d_AllSmallSizes_EqualsTwin(int k)
    {
        TestValues values = new(100 + (ulong)k);
        for (int stride = 1; stride <= 4; stride++)
        {
            for (int padding = 0; padding <= k; padding++)
            {
                for (int outputPadding = 0; outputPadding < stride; outputPadding++)
                {
                    int added = k + outputPadding - (2 * padding);
                    ForAllImages(values, (h, w, @in, @out, bias) =>
                        ((Math.Min(h, w) - 1) * stride) + added < 1 || (k > 3 && (h + w + outputPadding) % 2 == 1)
                            ? null
                            : new ConvTranspose2d(@in, @out, k, stride, padding, outputPadding, bias));
                }
            }
        }
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Convolutions_AllPairsOfChannels_EqualTwins(int bits)
    {
        TestValues values = new((ulong)bits);
        int[] channels = [1, 2, 3, 4, 5, 7, 11, 12, 13, 15, 16, 17, 31, 32, 33, 48];
        foreach (int @in in channels)
        {
            foreach (int @out in channels)
            {
                Check(new Conv2d(@in, @out, 2), new ImageShape(@in, 3, 4), bits, 1, 1, values);
                Check(
                    new ConvTranspose2d(@in, @out, 3, stride: 2, padding: 1),
                    new ImageShape(@in, 2, 3),
                    bits,
                    1,
                    1,
                    values);
            }
        }
    }

    /// <summary>Lines longer than a band of the weight gradient, and sums longer than a block of weights.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Convolutions_BeyondOneBlock_EqualTwins(int bits)
    {
        TestValues values = new((ulong)bits);
        Check(new Conv2d(3, 5, 3, padding: 1), new ImageShape(3, 3, 150), bits, 1, 1, values);
        Check(new Conv2d(2, 17, 3, padding: 2), new ImageShape(2, 40, 31), bits, 2, 1, values);
        Check(new Conv2d(3, 2, 3, stride: 2), new ImageShape(3, 300, 5), bits, 1, 1, values);
        Check(new ConvTranspose2d(3, 5, 4, stride: 2, padding: 1), new ImageShape(3, 5, 129), bits, 1, 1, values);
        Check(new Conv2d(400, 3, 1), new ImageShape(400, 2, 3), bits, 1, 1, values);
        Check(new Conv2d(3, 800, 1), new ImageShape(3, 2, 3), bits, 1, 1, values);
        Check(new Conv2d(100, 3, 3, padding: 1), new ImageShape(100, 3, 2), bits, 1, 1, values);
        Check(new ConvTranspose2d(200, 3, 3, padding: 1), new ImageShape(200, 2, 2), bits, 1, 1, values);
        Check(new Conv2d(1, 1, 11, padding: 5), new ImageShape(1, 7, 8), bits, 1, 1, values);
        Check(new Conv2d(2, 3, 2, stride: 9, padding: 4), new ImageShape(2, 19, 23), bits, 1, 1, values);
        Check(new ConvTranspose2d(2, 3, 2, stride: 7, padding: 1), new ImageShape(2, 3, 4), bits, 1, 1, values);
    }

    private static void ForAllImages(TestValues values, Func<int, int, int, int, bool, ConvolutionLayer?> create)
    {
        for (int h = 1; h <= 9; h++)
        {
            for (int w = 1; w <= 9; w++)
            {
                // Mostly few channels: the pairs of many are another test's.
                int @in = values.Next(10) == 0 ? values.Pick(15, 16, 17, 33) : 1 + values.Next(5);
                int @out = values.Next(10) == 0 ? values.Pick(15, 16, 17, 33) : 1 + values.Next(5);
                if (create(h, w, @in, @out, values.Next(4) != 0) is { } layer)
                {
                    int bits = s_bits[values.Next(3)];
                    Check(layer, new ImageShape(@in, h, w), bits, 1 + values.Next(4), values.Pick(1, 3), values);
                }
            }
        }
    }

    private static void Check(
        ConvolutionLayer layer, ImageShape input, int bits, int n, int imagesPerPass, TestValues values) =>
        Twin.AssertExact(
            $"{layer}, {input}, {bits} bits, {n} images, {imagesPerPass} a pass",
            new Sequential(layer),
            input,
            bits,
            n,
            imagesPerPass,
            values);
}
