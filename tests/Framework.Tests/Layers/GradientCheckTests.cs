using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Every layer's gradients against central differences of its own forward pass.</summary>
/// <remarks>
/// Error budget: outputs of magnitude 2 with some 100 roundings of 6e-8 are off by 1e-6 each, some 60 of them, weighted
/// by up to 1, by 1e-5 together in the mean; the difference divides that by 2 h = 2^-5: 3e-4. The curvature term is
/// h^2 / 6 times the third derivative (at most 1/8 a sigmoid): below 1e-4. Three times the sum: 1e-3.
/// </remarks>
public sealed class GradientCheckTests
{
    private const float Step = 1f / 64;
    private const double Tolerance = 1e-3;

    private static readonly (string Name, int Channels, Layer[] Layers)[] s_cases =
    [
        ("conv", 3, [new Conv2d(3, 2, 3, padding: 1)]),
        ("conv without bias", 2, [new Conv2d(2, 3, 2, bias: false)]),
        ("conv, strided", 2, [new Conv2d(2, 3, 3, stride: 2, padding: 2)]),
        ("conv, stride beyond kernel", 2, [new Conv2d(2, 3, 2, stride: 3)]),
        ("conv, same, even kernel", 2, [new Conv2d(2, 2, 4, padding: Conv2d.Same)]),
        ("transposed", 3, [new ConvTranspose2d(3, 2, 3, padding: 1)]),
        ("transposed, strided", 2, [new ConvTranspose2d(2, 2, 3, stride: 2, padding: 1, outputPadding: 1)]),
        ("transposed, stride beyond kernel", 2, [new ConvTranspose2d(2, 1, 1, stride: 2, outputPadding: 1)]),
        ("transposed, padding beyond kernel", 2, [new ConvTranspose2d(2, 3, 2, stride: 2, padding: 2)]),
        ("relu", 3, [new ReLU()]),
        ("sigmoid", 3, [new Sigmoid()]),
        ("tanh", 3, [new Tanh()]),
        ("leaky relu", 3, [new LeakyReLU(0.2)]),
        ("elu", 3, [new ELU(0.7)]),
        ("selu", 3, [new SELU()]),
        ("dropout", 5, [new Dropout(0.4), new Tanh()]),
        ("upsampling", 3, [new NearestUpsample2d(3)]),
        ("upsampling and conv", 2, [new NearestUpsample2d(2), new Conv2d(2, 3, 3, padding: 1), new Tanh()]),
        ("pooling", 3, [new MaxPool2d(2)]),
        ("pooling, overlapping", 2, [new Tanh(), new MaxPool2d(3, stride: 2, padding: 1), new Sigmoid()]),
        ("pooling, apart", 2, [new MaxPool2d(1, stride: 2)]),
        ("pixel shuffle", 12, [new Tanh(), new PixelShuffle(2), new Conv2d(3, 2, 3, padding: 1)]),
        ("pixel unshuffle", 2, [new NearestUpsample2d(2), new Tanh(), new PixelUnshuffle(2), new Conv2d(8, 2, 1)]),
        ("flatten and linear", 2, [new Flatten(), new Linear(30, 7), new Tanh(), new Linear(7, 3, bias: false)]),
        ("linear, twice read", 2,
            [
                new Flatten(),
                new Linear(30, 17),
                new SkipConcat(new Sequential(new Linear(17, 18), new Sigmoid())),
                new Linear(35, 4),
            ]),
        ("batch norm", 3, [new BatchNorm2d(3)]),
        ("batch norm without factors", 2, [new BatchNorm2d(2, affine: false), new Tanh()]),
        ("conv, batch norm and elu", 2,
            [new Conv2d(2, 4, 3, padding: 1), new BatchNorm2d(4), new ELU(), new Conv2d(4, 2, 1)]),
        ("residual", 3, [new Residual(new Sequential(new Conv2d(3, 3, 3, padding: 1), new Tanh())), new Sigmoid()]),
        ("residual of a convolution", 3,
            [new Tanh(), new Residual(new Sequential(new Conv2d(3, 3, 3, padding: 1))), new Sigmoid()]),
        ("residual to few channels", 2,
            [
                new Residual(new Sequential(
                    new Conv2d(2, 16, 1), new Sigmoid(), new Conv2d(16, 2, 2, padding: Conv2d.Same))),
                new Sigmoid(),
            ]),
        ("residual of a level", 2,
            [
                new NearestUpsample2d(2),
                new Residual(new Sequential(new Conv2d(2, 3, 2, stride: 2), new ConvTranspose2d(3, 2, 2, stride: 2))),
                new Sigmoid(),
            ]),
        ("residual of nothing", 3, [new Residual(new Sequential()), new Tanh()]),
        ("residual of a concatenation", 2,
            [
                new SkipConcat(new Sequential(new Conv2d(2, 3, 1), new Tanh())),
                new Residual(new Sequential(new BatchNorm2d(5), new Tanh())),
                new NearestUpsample2d(2),
                new MaxPool2d(3, stride: 2),
                new Dropout(0.1),
                new Flatten(),
                new Linear(5 * 4 * 2, 3),
            ]),
        ("conv and sigmoid", 3, [new Conv2d(3, 4, 3), new Sigmoid()]),
        ("sigmoids", 2, [new Sigmoid(), new Sigmoid()]),
        ("skip", 2, [new SkipConcat(new Sequential(new Conv2d(2, 3, 3, padding: 1), new Sigmoid()))]),
        ("skip of copies", 2, [new SkipConcat(new Sequential(new SkipConcat(new Sequential())))]),
        ("nested skips", 2,
            [
                new Conv2d(2, 3, 1),
                new Sigmoid(),
                new SkipConcat(new Sequential(
                    new SkipConcat(new Sequential(new Conv2d(3, 2, 3, padding: 1), new Sigmoid())),
                    new Conv2d(5, 2, 1))),
                new ConvTranspose2d(5, 2, 2),
            ]),
    ];

    public static TheoryData<string> Names => [.. s_cases.Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_OddSizes_EqualCentralDifferences(string name)
    {
        (_, int channels, Layer[] layers) = s_cases.Single(each => each.Name == name);
        TestValues values = new(3);
        ImageShape input = new(channels, 5, 3);
        LayerRun run = new(new Sequential(layers), input);
        values.Floats(run.Model.ParameterCount).CopyTo(run.Parameters, 0);

        // At least 0.1 from zero, where ReLU has no derivative.
        float[] x = [.. values.Floats(input.Elements).Select(value => value + (value < 0 ? -0.1f : 0.1f))];
        if (name.StartsWith("pooling", StringComparison.Ordinal))
        {
            // More than two steps from each other, so that no maximum changes its place.
            x = [.. Enumerable.Range(0, x.Length).Select(i => ((i * 17 % x.Length) - (x.Length / 2)) * 3f / x.Length)];
        }

        float[] weights = values.Floats(run.OutputShape.Elements);
        run.Run(x, 1, (_, _) => weights);
        Check(name + ": input", x, run.InputGradient, () => Dot(weights, run.Forward(x)));
        float[] gradient = [.. run.Gradient[..run.Model.ParameterCount]];
        Check(name + ": parameters", run.Parameters, gradient, () => Dot(weights, run.Forward(x)));
    }

    private static void Check(string what, float[] variables, float[] gradient, Func<double> function)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            float kept = variables[i];
            variables[i] = kept + Step;
            double width = variables[i];
            double above = function();
            variables[i] = kept - Step;
            width -= variables[i];
            double below = function();
            variables[i] = kept;
            double error = Math.Abs(((above - below) / width) - gradient[i]);
            Assert.True(error <= Tolerance, $"{what} [{i}]: {gradient[i]}, off by {error:E2}");
        }
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();
}
