using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>NaN and infinity reach what depends on them, and nothing else; neither borders nor padding leak.</summary>
public sealed class NonFiniteTests
{
    private static readonly int[] s_bits = [128, 256, 512];

    [Fact]
    public void Activations_NotFinite_FollowTheFormula()
    {
        float[] x = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 1e-45f, -1e-45f, float.MaxValue];
        ImageShape shape = new(1, 1, x.Length);
        foreach (int bits in s_bits)
        {
            LayerRun relu = new(new Sequential(new ReLU()), shape, bits);
            relu.Run(x, 1, (_, _) => [1, 2, 3, 4, 5, 6, float.NaN]);
            Assert.Equal([float.NaN, float.PositiveInfinity, 0, 0, 1e-45f, 0, float.MaxValue], relu.Output);
            Assert.Equal([1, 2, 0, 0, 5, 0, float.NaN], relu.InputGradient);

            LayerRun sigmoid = new(new Sequential(new Sigmoid()), shape, bits);
            sigmoid.Run(x, 1, (_, _) => [1, 1, 1, 1, 1, float.NaN, float.PositiveInfinity]);
            Assert.Equal([float.NaN, 1], sigmoid.Output[..2]);
            Assert.InRange(sigmoid.Output[2], 0, 1e-37f);
            Assert.Equal([0.5f, 0.5f, 0.5f, 1f], sigmoid.Output[3..]);
            Assert.True(float.IsNaN(sigmoid.InputGradient[0]) && float.IsNaN(sigmoid.InputGradient[5]));
            Assert.Equal([0f, 0.25f], [sigmoid.InputGradient[1], sigmoid.InputGradient[3]]);
        }
    }

    /// <summary>A convolution on zeros but for one pixel: not finite in its window, and only there.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Convolution_OnePixelNotFinite_ShowsInItsWindowAlone(float poison)
    {
        foreach (int bits in s_bits)
        {
            foreach (ConvolutionLayer layer in new ConvolutionLayer[]
                { new Conv2d(3, 17, 3, padding: 1), new ConvTranspose2d(3, 17, 3, padding: 1) })
            {
                ImageShape shape = new(3, 5, 6);
                LayerRun run = new(new Sequential(layer), shape, bits, imagesPerPass: 2);
                run.Parameters.AsSpan().Fill(1);
                float[] x = new float[2 * shape.Elements];
                x[(2 * 30) + (2 * 6) + 4] = poison;
                run.Run(x, 2, (output, _) => Enumerable.Repeat(1f, output.Length).ToArray());
                for (int i = 0; i < run.Output.Length; i++)
                {
                    int line = i / 6 % 5;
                    int column = i % 6;
                    bool inside = i < 17 * 30 && line is >= 1 and <= 3 && column is >= 3 and <= 5;
                    Assert.Equal(!inside, float.IsFinite(run.Output[i]));
                }

                Assert.All(run.InputGradient, value => Assert.True(float.IsFinite(value)));
                Assert.All(run.Slice(run.Gradient, "0.bias").ToArray(), value => Assert.Equal(60, value));
                Assert.Equal(17 * 9, run.Gradient.Count(value => !float.IsFinite(value)));
            }
        }
    }

    /// <summary>A gradient that is not finite in one output channel reaches that channel's parameters alone.</summary>
    [Fact]
    public void Convolution_OneGradientNotFinite_ShowsInItsChannelAlone()
    {
        foreach (int bits in s_bits)
        {
            ImageShape shape = new(2, 4, 5);
            LayerRun run = new(new Sequential(new Conv2d(2, 19, 1)), shape, bits);
            run.Parameters.AsSpan().Fill(1);
            run.Run(new TestValues(1).Floats(shape.Elements), 1, (output, _) =>
            {
                float[] gradient = new float[output.Length];
                gradient[(18 * 20) + 7] = float.NaN;
                return gradient;
            });

            Assert.Equal([7, 27], Enumerable.Range(0, 40).Where(i => float.IsNaN(run.InputGradient[i])));
            Assert.Equal([36, 37, 56], Enumerable.Range(0, 57).Where(i => float.IsNaN(run.Gradient[i])));
        }
    }

    /// <summary>
    /// After a sigmoid, whose padding channels hold 0.5, sums count channels and not padding, and borders as zero.
    /// </summary>
    [Fact]
    public void Convolution_AfterSigmoid_CountsNeitherPaddingNorBorder()
    {
        foreach (int bits in s_bits)
        {
            LayerRun run = new(
                new Sequential(
                    new Sigmoid(), new SkipConcat(new Sequential(new Sigmoid())), new Conv2d(6, 1, 3, padding: 1)),
                new ImageShape(3, 3, 3),
                bits);
            run.Slice(run.Parameters, "2.weight").Fill(1);

            // Three channels of 0.5 and three of sigmoid(0.5), in windows of 4, 6 and 9 pixels.
            run.Run(new float[27], 1, (_, _) => [1, 1, 1, 1, 1, 1, 1, 1, 1]);
            double pixel = 3 * (0.5 + (1 / (1 + Math.Exp(-0.5))));
            double[] windows = [4, 6, 4, 6, 9, 6, 4, 6, 4];
            Assert.All(Enumerable.Range(0, 9), i => Assert.Equal(windows[i] * pixel, run.Output[i], 1e-5));
            Assert.Equal(9, run.Gradient[^1]);
        }
    }

    [Fact]
    public void Network_OneImageNotFinite_ShardsTheOthersAlone()
    {
        ImageShape shape = new(3, 5, 6);
        Sequential layers = new(
            new Conv2d(3, 5, 3, padding: 1), new ReLU(),
            new SkipConcat(new Sequential(new Conv2d(5, 4, 1), new Sigmoid())));
        float[] x = new TestValues(1).Floats(3 * shape.Elements);
        LayerRun clean = new(layers, shape, imagesPerPass: 3);
        LayerRun poisoned = new(layers, shape, imagesPerPass: 3);
        new TestValues(2).Floats(clean.Parameters.Length).CopyTo(clean.Parameters, 0);
        clean.Parameters.CopyTo(poisoned.Parameters, 0);
        clean.Run(x, 3, (output, _) => output);
        x.AsSpan(shape.Elements, shape.Elements).Fill(float.NaN);
        poisoned.Run(x, 3, (output, _) => output);

        int outputs = clean.OutputShape.Elements;
        Assert.All(poisoned.Output[outputs..(2 * outputs)], value => Assert.True(float.IsNaN(value)));
        Assert.Equal(clean.Output[..outputs], poisoned.Output[..outputs]);
        Assert.Equal(clean.Output[(2 * outputs)..], poisoned.Output[(2 * outputs)..]);
        Assert.Equal(clean.InputGradient[(2 * shape.Elements)..], poisoned.InputGradient[(2 * shape.Elements)..]);
        Assert.All(poisoned.Gradient, value => Assert.True(float.IsNaN(value)));
    }
}
