using System.Runtime.InteropServices;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Bits;

/// <summary>Neither the vector width nor the images per pass change a bit.</summary>
public sealed class VectorWidthTests
{
    /// <summary>
    /// Goal: sums have one order. Method: draw sizes, use numbers whose sums round, and compare three widths, with one
    /// and with three images a pass, forward and backward.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Convolution_AnySize_GivesTheSameBits(int seed)
    {
        TestValues values = new((ulong)seed);
        for (int i = 0; i < 250; i++)
        {
            int k = 1 + values.Next(5);
            int stride = 1 + values.Next(4);
            int padding = values.Next(k + 1);
            ImageShape input = new(Channels(values), 1 + (2 * k) + values.Next(15), 1 + (2 * k) + values.Next(15));
            ConvolutionLayer layer = values.Next(2) == 0
                ? new Conv2d(input.C, Channels(values), k, stride, padding)
                : new ConvTranspose2d(input.C, Channels(values), k, stride, padding, values.Next(stride));
            AssertSameBits($"seed {seed}: {layer}, {input}", [layer], input, values);
        }
    }

    [Fact]
    public void Convolution_BeyondOneBlock_GivesTheSameBits()
    {
        TestValues values = new(1);
        AssertSameBits("long lines", [new Conv2d(5, 17, 3, padding: 1)], new ImageShape(5, 4, 140), values);
        AssertSameBits("many lines", [new Conv2d(3, 16, 3, stride: 2)], new ImageShape(3, 301, 5), values);
        AssertSameBits("many channels", [new Conv2d(401, 33, 1)], new ImageShape(401, 2, 3), values);
        AssertSameBits("long sums", [new ConvTranspose2d(130, 40, 3, padding: 1)], new ImageShape(130, 5, 4), values);
    }

    [Fact]
    public void Network_WithAllLayers_GivesTheSameBits()
    {
        Layer[] layers =
        [
            new Conv2d(3, 18, 3, padding: 1),
            new ReLU(),
            new SkipConcat(new Sequential(
                new Sigmoid(),
                new SkipConcat(new Sequential(new ConvTranspose2d(18, 5, 3, padding: 1), new Sigmoid())),
                new Conv2d(23, 4, 2, padding: Conv2d.Same),
                new ReLU())),
            new Conv2d(22, 7, 4, stride: 2, padding: 1),
            new Sigmoid(),
        ];
        AssertSameBits("nested", layers, new ImageShape(3, 10, 13), new TestValues(1));
    }

    /// <summary>Layers beside convolutions, but for normalization, which needs the shard in one pass.</summary>
    [Fact]
    public void Network_WithOtherLayers_GivesTheSameBits()
    {
        Layer[] layers =
        [
            new Residual(new Sequential(new Conv2d(3, 3, 3, padding: 1), new SELU(), new Dropout(0.3))),
            new SkipConcat(new Sequential(new MaxPool2d(2), new Tanh(), new NearestUpsample2d(2), new ELU(0.5))),
            new Residual(new Sequential(new PixelUnshuffle(2), new Conv2d(24, 24, 1), new PixelShuffle(2))),
            new MaxPool2d(3, stride: 2, padding: 1),
            new LeakyReLU(0.1),
            new Flatten(),
            new Linear(6 * 30, 25),
            new Tanh(),
            new Linear(25, 17, bias: false),
            new SkipConcat(new Sequential(new Linear(17, 18), new SELU())),
            new Linear(35, 2),
        ];
        AssertSameBits("other layers", layers, new ImageShape(3, 10, 12), new TestValues(1));
    }

    [Fact]
    public void BatchNorm2d_AnyWidth_GivesTheSameBits()
    {
        Layer[] layers =
        [
            new Conv2d(3, 18, 3, padding: 1),
            new BatchNorm2d(18),
            new ELU(),
            new SkipConcat(new Sequential(new BatchNorm2d(18, affine: false), new Conv2d(18, 5, 1))),
            new BatchNorm2d(23),
        ];
        AssertSameBits(
            "batch norm", layers, new ImageShape(3, 7, 9), new TestValues(1), (128, 4), (256, 4), (512, 4));
    }

    [Theory]
    [InlineData("n2n-course:channels=17", 3, 12, 8)]
    [InlineData("n2n-transposed:channels=9", 3, 12, 8)]
    [InlineData("n2n-unet:channels=5", 3, 32, 32)]
    [InlineData("mlp-disc:activation=tanh", 2, 1, 1)]
    public void OtherCatalogueModel_TrainedForSteps_GivesTheSameBits(string name, int c, int h, int w)
    {
        float[]? first = null;
        foreach ((int bits, int imagesPerPass) in Configurations())
        {
            float[] result = Training.Run(
                Catalogue.Find(name, c)!,
                new ImageShape(c, h, w),
                bits,
                imagesPerPass,
                n: 4,
                steps: 3,
                count => new Sgd(count, 0.9));
            first ??= result;
            Assert.True(Bits(first).SequenceEqual(Bits(result)), $"{name}, {bits} bits, {imagesPerPass} a pass");
        }
    }

    [Theory]
    [InlineData("n2n-initial")]
    [InlineData("n2n-final")]
    public void CatalogueModel_TrainedForSteps_GivesTheSameBits(string name)
    {
        Func<int, Optimizer>[] optimizers =
        [
            count => new Adam(count),
            count => new Sgd(count, 0.9, nesterov: true, weightDecay: 1e-4),
        ];
        foreach (Func<int, Optimizer> create in optimizers)
        {
            float[]? first = null;
            foreach ((int bits, int imagesPerPass) in Configurations())
            {
                float[] result = Training.Run(
                    Catalogue.Find(name, 3)!, new ImageShape(3, 9, 11), bits, imagesPerPass, n: 4, steps: 3, create);
                first ??= result;
                Assert.True(Bits(first).SequenceEqual(Bits(result)), $"{name}, {bits} bits, {imagesPerPass} a pass");
            }
        }
    }

    private static ReadOnlySpan<int> Bits(float[] values) => MemoryMarshal.Cast<float, int>(values);

    private static int Channels(TestValues values) =>
        values.Next(3) == 0 ? values.Pick(15, 16, 17, 31, 32, 33, 48, 50) : 1 + values.Next(14);

    private static (int Bits, int ImagesPerPass)[] Configurations() =>
        [(128, 1), (256, 1), (512, 1), (256, 3), (512, 3)];

    private static void AssertSameBits(
        string what,
        Layer[] layers,
        ImageShape input,
        TestValues values,
        params (int Bits, int ImagesPerPass)[] configurations)
    {
        const int n = 4;
        float[]? first = null;
        float[] x = values.Floats(n * input.Elements);
        float[] parameters = [];
        float[] outputGradient = [];
        configurations = configurations.Length > 0 ? configurations : Configurations();
        foreach ((int bits, int imagesPerPass) in configurations)
        {
            LayerRun run = new(new Sequential(layers), input, bits, imagesPerPass);
            int outputs = run.OutputShape.Elements;
            if (first == null)
            {
                parameters = values.Floats(run.Parameters.Length);
                outputGradient = values.Floats(n * outputs);
            }

            parameters.CopyTo(run.Parameters, 0);
            run.Run(x, n, (_, image) => outputGradient[(image * outputs)..((image + 1) * outputs)]);
            float[] result = [.. run.Output, .. run.InputGradient, .. run.Gradient];
            first ??= result;
            Assert.True(Bits(first).SequenceEqual(Bits(result)), $"{what}: {bits} bits, {imagesPerPass} images a pass");
        }
    }
}
