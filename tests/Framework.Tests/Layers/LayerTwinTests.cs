using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Linear, pooling, upsampling, residual: against loops, on whole numbers, at all small sizes.</summary>
public sealed class LayerTwinTests
{
    private static readonly int[] s_bits = [128, 256, 512];
    private static readonly int[] s_channels = [1, 3, 16, 17, 35];

    [Fact]
    public void MaxPool2d_AllSmallSizes_EqualsTwin()
    {
        TestValues values = new(1);
        for (int k = 1; k <= 4; k++)
        {
            for (int stride = 1; stride <= 4; stride++)
            {
                for (int padding = 0; padding <= k / 2; padding++)
                {
                    for (int h = Math.Max(1, k - (2 * padding)); h <= 7; h++)
                    {
                        int w = Math.Max(1, k - (2 * padding)) + values.Next(6);
                        Check(values, new ImageShape(Channels(values), h, w), new MaxPool2d(k, stride, padding));
                    }
                }
            }
        }
    }

    [Fact]
    public void NearestUpsample2d_AllSmallSizes_EqualsTwin()
    {
        TestValues values = new(2);
        for (int scale = 1; scale <= 4; scale++)
        {
            for (int h = 1; h <= 4; h++)
            {
                Check(values, new ImageShape(Channels(values), h, 1 + values.Next(5)), new NearestUpsample2d(scale));
            }
        }
    }

    [Fact]
    public void PixelShuffles_AllSmallSizes_EqualTwins()
    {
        TestValues values = new(5);
        foreach (int c in s_channels)
        {
            for (int scale = 1; scale <= 4; scale++)
            {
                int h = 1 + values.Next(4);
                int w = 1 + values.Next(4);
                Check(values, new ImageShape(c * scale * scale, h, w), new PixelShuffle(scale));
                Check(values, new ImageShape(c, h * scale, w * scale), new PixelUnshuffle(scale));
            }
        }
    }

    [Fact]
    public void Linear_AllPairsOfFeatures_EqualsTwin()
    {
        TestValues values = new(3);
        int[] features = [1, 2, 3, 7, 12, 13, 15, 16, 17, 25, 31, 32, 33, 48, 390];
        foreach (int @in in features)
        {
            foreach (int @out in features)
            {
                Check(values, new ImageShape(@in, 1, 1), new Linear(@in, @out, bias: values.Next(3) != 0));
            }
        }
    }

    [Fact]
    public void Networks_OfAllLayers_EqualTwins()
    {
        TestValues values = new(4);
        foreach (int c in s_channels)
        {
            ImageShape input = new(c, 4, 6);
            Check(values, input, new Flatten(), new Linear(24 * c, 5), new LeakyReLU(0.5), new Linear(5, 3));
            Check(values, input, Skip(new MaxPool2d(2), new Conv2d(c, 3, 1), new NearestUpsample2d(2)), new ReLU());
            Check(values, input, Skip(new Conv2d(c, 3, 1)), new MaxPool2d(2), new NearestUpsample2d(3));
            Check(values, input, Skip(new LeakyReLU(2)), new Flatten(), new Linear(48 * c, 2));
            Check(values, input, new PixelUnshuffle(2), new Conv2d(4 * c, 8, 3, padding: 1), new PixelShuffle(2));
            Check(values, input, Skip(new Conv2d(c, 3 * c, 1)), new PixelShuffle(2), new PixelUnshuffle(4));
            Check(values, input, Skip(new PixelUnshuffle(2), new PixelShuffle(2), new Conv2d(c, 3, 1)), new ReLU());
            Check(values, input, Residual(new PixelUnshuffle(2), new Conv2d(4 * c, 4 * c, 1), new PixelShuffle(2)));
            Check(values, input, Residual(), new ReLU());
            Check(values, input, Residual(new Conv2d(c, c, 3, padding: 1), new ReLU()), new ReLU());
            Check(values, input, new Conv2d(c, 4, 1), new ReLU(), Residual(Residual(new Conv2d(4, 4, 1))));
            Check(values, input, Skip(new Conv2d(c, 3, 1)), Residual(new Conv2d(c + 3, c + 3, 1)), Skip());
            Check(values, input, Skip(Skip(new Conv2d(c, 3, 1))), Residual(new LeakyReLU(0.5)));
            Check(values, input, Residual(Skip(new Conv2d(c, 3, 1)), new Conv2d(c + 3, c, 1)), new MaxPool2d(2));
            Check(values, input, Skip(Residual(new ReLU())), new NearestUpsample2d(2), new Conv2d(2 * c, 1, 3));
        }
    }

    /// <summary>Of equal numbers the first gets the gradient; NaN beats all.</summary>
    [Fact]
    public void MaxPool2d_TiesAndNaN_AsPyTorch()
    {
        foreach (int bits in s_bits)
        {
            LayerRun run = new(new Sequential(new MaxPool2d(2)), new ImageShape(1, 2, 6), bits);
            float nan = float.NaN;
            float low = float.NegativeInfinity;
            run.Run([5, 5, nan, 1, low, low, 5, 5, 2, 9, low, low], 1, (_, _) => [1, 2, 3]);
            Assert.Equal([5, nan, low], run.Output);
            Assert.Equal([1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0], run.InputGradient);
        }
    }

    private static int Channels(TestValues values) => values.Pick<int>(s_channels);

    private static SkipConcat Skip(params Layer[] inner) => new(new Sequential(inner));

    private static Residual Residual(params Layer[] inner) => new(new Sequential(inner));

    private static void Check(TestValues values, ImageShape input, params Layer[] layers)
    {
        Sequential model = new(layers);
        foreach (int bits in s_bits)
        {
            int imagesPerPass = values.Pick(1, 3);
            Twin.AssertExact(
                $"{model}, {input}, {bits} bits", model, input, bits, n: 4, imagesPerPass, values, limit: 2);
        }
    }
}
