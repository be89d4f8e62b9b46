using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Every algorithm for convolutions against loops in float64, at all small sizes and vector widths.</summary>
/// <remarks>
/// Error budget for a relative L2 distance. Direct: a sum of some hundred products of 6e-8 each, 1e-6. F(2 x 2): its
/// transforms add a few terms of magnitude 1, 1e-6. F(4 x 4): its transforms multiply by up to 8 and add up to 6 terms
/// both ways, so roundings grow some tenfold, 1e-5. A case brings Winograd's gradients to the flat gradient after each
/// shard or after each image, in turn.
/// </remarks>
public sealed class WinogradTests
{
    private static readonly int[] s_bits = [128, 256, 512];
    private int _checks;

    public static TheoryData<ConvolutionAlgorithm, double> Algorithms => new()
    {
        { ConvolutionAlgorithm.Auto, 1e-5 },
        { ConvolutionAlgorithm.Winograd4, 1e-5 },
        { ConvolutionAlgorithm.Winograd2, 1e-6 },
        { ConvolutionAlgorithm.Direct, 1e-6 },
    };

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_AllSmallImages_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(7);
        for (int h = 1; h <= 11; h++)
        {
            for (int w = 1; w <= 11; w++)
            {
                int padding = values.Next(4);
                (int @in, int @out) = (1 + values.Next(8), 1 + values.Next(8));
                bool fits = Math.Min(h, w) + (2 * padding) >= 3;
                ConvolutionLayer layer = fits && values.Next(2) == 0
                    ? new Conv2d(@in, @out, 3, padding: padding)
                    : new ConvTranspose2d(@in, @out, 3, padding: values.Next((Math.Min(h, w) + 3) / 2));
                Check(new Sequential(layer), new ImageShape(@in, h, w), algorithm, tolerance, values);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_AllCountsOfChannels_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(8);
        (int H, int W)[] images = [(1, 1), (2, 3), (5, 7), (8, 4)];
        for (int channels = 1; channels <= 40; channels++)
        {
            (int h, int w) = images[channels % images.Length];
            int other = 1 + values.Next(40);
            Check(
                new Sequential(new Conv2d(channels, other, 3, padding: 1), new ReLU()),
                new ImageShape(channels, h, w),
                algorithm,
                tolerance,
                values);
            Check(
                new Sequential(new ConvTranspose2d(other, channels, 3, padding: 1, bias: false)),
                new ImageShape(other, h, w),
                algorithm,
                tolerance,
                values);
        }
    }

    /// <summary>Images of several bands, sums of several blocks of weights.</summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_BeyondOneBand_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(9);
        Check(
            new Sequential(new Conv2d(3, 17, 3, padding: 1)), new ImageShape(3, 6, 150), algorithm, tolerance, values);
        Check(new Sequential(new Conv2d(16, 16, 3)), new ImageShape(16, 41, 37), algorithm, tolerance, values);
        Check(new Sequential(new Conv2d(400, 16, 3)), new ImageShape(400, 4, 5), algorithm, tolerance, values);
        Check(
            new Sequential(new Conv2d(50, 5, 3), new ReLU()), new ImageShape(50, 5, 6), algorithm, tolerance, values);
        Sequential narrow = new(new Conv2d(400, 17, 1), new ReLU());
        Check(narrow, new ImageShape(400, 3, 4), algorithm, tolerance, values);
        Check(
            new Sequential(new ConvTranspose2d(17, 2, 3)), new ImageShape(17, 19, 300), algorithm, tolerance, values);
    }

    /// <summary>Images of which one fills no band: one, two and three share it.</summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_WhoseImagesShareBands_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(14);
        foreach ((int h, int w) in new[] { (18, 20), (23, 29), (8, 8), (4, 4), (1, 3) })
        {
            Check(
                new Sequential(
                    new Conv2d(17, 20, 3, padding: 1), new ReLU(), new ConvTranspose2d(20, 16, 3, padding: 1)),
                new ImageShape(17, h, w),
                algorithm,
                tolerance,
                values,
                n: 3);
        }
    }

    /// <summary>So many channels that no shard adds up its gradients in the kernels' layout; four layers.</summary>
    [Theory]
    [InlineData(ConvolutionAlgorithm.Auto, 1e-5)]
    [InlineData(ConvolutionAlgorithm.Winograd2, 4e-6)]
    public void Convolutions_WhoseGradientsEndWithEachImage_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(12);
        Sequential layers = new(
            new Conv2d(3, 260, 3, padding: 1),
            new Conv2d(260, 260, 3, padding: 1),
            new ConvTranspose2d(260, 260, 3, padding: 1),
            new Conv2d(260, 3, 3, padding: 1));
        ImageShape images = new(3, 4, 5);
        Assert.True(new LayerRun(layers, images, convolutions: algorithm).EndsEachImage);
        Assert.True(new LayerRun(layers, new ImageShape(3, 1, 90), convolutions: algorithm).EndsEachImage);
        Assert.False(new LayerRun(layers, images, convolutions: ConvolutionAlgorithm.Direct).EndsEachImage);
        Check(layers, images, algorithm, tolerance, values);
        Check(layers, images, algorithm, tolerance, values);
    }

    /// <summary>
    /// The way back through an activation is part of the weight gradient's transform. Near saturation 1 - y^2 has few
    /// digits, hence the tolerance; another function or a lost parameter is off by more than 0.01.
    /// </summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_BeforeEveryActivation_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(13);
        Layer[] activations =
            [new ReLU(), new LeakyReLU(0.1), new Sigmoid(), new Tanh(), new ELU(0.7), new SELU()];
        foreach (Layer activation in activations)
        {
            foreach (bool bias in new[] { true, false })
            {
                Sequential layers = new(
                    new Conv2d(17, 18, 3, padding: 1, bias: bias),
                    activation,
                    new SkipConcat(new Sequential(
                        new ConvTranspose2d(18, 20, 3, padding: 1, bias: bias), activation)),
                    new Conv2d(38, 16, 3, padding: 1, bias: bias),
                    activation);
                Check(layers, new ImageShape(17, 5, 7), algorithm, 20 * tolerance, values);
                Check(layers, new ImageShape(17, 8, 4), algorithm, 20 * tolerance, values);
            }
        }
    }

    /// <summary>Concatenations of channels that do not fill their groups, read and written as they lie.</summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Convolutions_OfConcatenations_EqualTwin(ConvolutionAlgorithm algorithm, double tolerance)
    {
        TestValues values = new(10);
        foreach ((int channels, int inner, int @out) in new[] { (5, 3, 4), (17, 20, 18), (16, 33, 3), (3, 16, 32) })
        {
            Sequential layers = new(
                new Conv2d(channels, channels, 3, padding: 1),
                new SkipConcat(new Sequential(
                    new Conv2d(channels, inner, 3, padding: 1),
                    new SkipConcat(new Sequential(new ConvTranspose2d(inner, inner, 3, padding: 1))))),
                new Conv2d(channels + (2 * inner), @out, 3, padding: 1));
            Check(layers, new ImageShape(channels, 6, 9), algorithm, tolerance, values);
        }
    }

    /// <summary>The choice must not depend on an image's size, or a tile would get other bits than the whole.</summary>
    [Theory]
    [InlineData(ConvolutionAlgorithm.Auto)]
    [InlineData(ConvolutionAlgorithm.Winograd4)]
    [InlineData(ConvolutionAlgorithm.Winograd2)]
    [InlineData(ConvolutionAlgorithm.Direct)]
    public void Forward_PartOfAnImage_GivesTheBitsOfTheWhole(ConvolutionAlgorithm algorithm)
    {
        const int margin = 8;
        const int size = 40;
        TestValues values = new(11);
        Sequential layers = new(
            new Conv2d(3, 18, 3, padding: 1),
            new ReLU(),
            new SkipConcat(new Sequential(new Conv2d(18, 17, 3, padding: 1), new ReLU())),
            new ConvTranspose2d(35, 3, 3, padding: 1));
        LayerRun whole = new(layers, new ImageShape(3, size, size), convolutions: algorithm);
        values.Floats(whole.Parameters.Length).CopyTo(whole.Parameters, 0);
        float[] image = values.Floats(3 * size * size);
        float[] expected = whole.Forward(image);
        foreach ((int y, int x, int h, int w) in new[] { (0, 0, 29, 31), (12, 8, 28, 32), (4, 16, 21, 19) })
        {
            LayerRun part = new(layers, new ImageShape(3, h, w), convolutions: algorithm);
            whole.Parameters.CopyTo(part.Parameters, 0);
            float[] actual = part.Forward(Cut(image, size, y, x, h, w));
            (int top, int left) = (y == 0 ? 0 : 3 * 4, x == 0 ? 0 : 3 * 4);
            int bottom = y + h == size ? h : (h / 4 * 4) - margin;
            int right = x + w == size ? w : (w / 4 * 4) - margin;
            float[] inner = Cut(expected, size, y + top, x + left, bottom - top, right - left);
            Assert.Equal(inner, Cut(actual, (h, w), top, left, bottom - top, right - left));
        }
    }

    private static float[] Cut(float[] image, int size, int y, int x, int h, int w) =>
        Cut(image, (size, size), y, x, h, w);

    private static float[] Cut(float[] image, (int H, int W) size, int y, int x, int h, int w)
    {
        float[] part = new float[3 * h * w];
        for (int i = 0; i < part.Length; i++)
        {
            (int c, int row, int column) = (i / (h * w), i / w % h, i % w);
            part[i] = image[(((c * size.H) + y + row) * size.W) + x + column];
        }

        return part;
    }

    private void Check(
        Sequential layers,
        ImageShape input,
        ConvolutionAlgorithm algorithm,
        double tolerance,
        TestValues values,
        int n = 2)
    {
        long treeReductionMax = _checks++ % 2 == 0 ? Plan.TreeReductionMax : -1;
        string what = $"{string.Join(", ", layers.Layers)}, {input}, {algorithm}";
        LayerRun? first = null;
        float[] parameters = [];
        float[] x = values.Floats(n * input.Elements);
        float[] outputGradient = [];
        foreach (int bits in s_bits)
        {
            // One after the other; two together; and all, whose sums then need not wait for the shard's end.
            int imagesPerPass = bits switch { 256 => 2, 512 => n, _ => 1 };
            bool wholeShards = bits == 512 && first is { EndsEachImage: false };
            LayerRun run = new(layers, input, bits, imagesPerPass, algorithm, treeReductionMax, wholeShards);
            int outputs = run.OutputShape.Elements;
            if (first is null)
            {
                parameters = values.Floats(run.Parameters.Length);
                outputGradient = values.Floats(n * outputs);
            }

            parameters.CopyTo(run.Parameters, 0);
            run.Run(x, n, (_, image) => outputGradient[(image * outputs)..((image + 1) * outputs)]);
            first ??= run;
            Assert.True(first.Output.AsSpan().SequenceEqual(run.Output), $"{what}: output, {bits} bits");
            Assert.True(first.InputGradient.AsSpan().SequenceEqual(run.InputGradient), $"{what}: input, {bits} bits");
            Assert.True(first.Gradient.AsSpan().SequenceEqual(run.Gradient), $"{what}: gradient, {bits} bits");
        }

        int y = first!.OutputShape.Elements;
        NaiveNetwork twin = NaiveNetwork.Run(layers, input, parameters, x, n, (_, image) =>
            [.. outputGradient[(image * y)..((image + 1) * y)].Select(g => (double)g)]);
        AssertClose(what + ": output", twin.Output, first.Output, tolerance);
        AssertClose(what + ": input gradient", twin.InputGradient, first.InputGradient, tolerance);
        AssertClose(what + ": gradient", twin.Gradient, first.Gradient, tolerance);

        // A shard of more passes than its plan was made for: later ones add to the gradient of the first.
        LayerRun passes = new(layers, input, imagesPerPass: 1, convolutions: algorithm, wholeShards: true);
        parameters.CopyTo(passes.Parameters, 0);
        passes.Run(x, n, (_, image) => outputGradient[(image * y)..((image + 1) * y)]);
        AssertClose(what + ": gradient of passes", twin.Gradient, passes.Gradient, tolerance);
    }

    private static void AssertClose(string what, double[] expected, float[] actual, double tolerance)
    {
        double error = 0;
        double square = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            error += (expected[i] - actual[i]) * (expected[i] - actual[i]);
            square += expected[i] * expected[i];
        }

        double distance = Math.Sqrt(error / Math.Max(square, 1e-30));
        Assert.True(distance <= tolerance, $"{what}: off by {distance:E2}");
    }
}
