using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;

namespace Distributed.Framework.Tests.Naive;

/// <summary>Compares layers with their naive twins.</summary>
internal static class Twin
{
    /// <summary>
    /// Runs both on whole numbers, on which float32 is exact if the layers have no Sigmoid and convolutions are direct,
    /// and demands equality.
    /// </summary>
    public static void AssertExact(
        string what,
        Sequential layers,
        ImageShape input,
        int bits,
        int n,
        int imagesPerPass,
        TestValues values,
        int limit = 3)
    {
        LayerRun run = new(layers, input, bits, imagesPerPass, ConvolutionAlgorithm.Direct);
        values.Integers(run.Parameters.Length, limit).CopyTo(run.Parameters, 0);
        float[] x = values.Integers(n * input.Elements, limit);
        int outputs = run.OutputShape.Elements;
        float[] outputGradient = values.Integers(n * outputs, limit);
        run.Run(x, n, (_, image) => outputGradient[(image * outputs)..((image + 1) * outputs)]);
        NaiveNetwork twin = NaiveNetwork.Run(layers, input, run.Parameters, x, n, (_, image) =>
            [.. outputGradient[(image * outputs)..((image + 1) * outputs)].Select(g => (double)g)]);

        Assert.True(twin.OutputShape == run.OutputShape, $"{what}: {run.OutputShape}, expected {twin.OutputShape}");
        AssertEqual(what + ": output", twin.Output, run.Output);
        AssertEqual(what + ": input gradient", twin.InputGradient, run.InputGradient);
        AssertEqual(what + ": gradient", twin.Gradient, run.Gradient);
    }

    public static void AssertEqual(string what, double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            // Above 2^24 whole numbers round, and the test would prove nothing.
            Assert.True(Math.Abs(expected[i]) <= 1 << 24, $"{what} [{i}] is too large for this test");
            if (expected[i] != actual[i])
            {
                Assert.Fail($"{what} [{i}]: {actual[i]}, expected {expected[i]}");
            }
        }
    }
}
