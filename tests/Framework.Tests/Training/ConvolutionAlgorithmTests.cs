using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Training;

/// <summary>What the algorithms for convolutions mean for training.</summary>
public sealed class ConvolutionAlgorithmTests
{
    private const int Batch = 4;
    private const int Steps = 200;

    /// <summary>
    /// Goal: roundings of Winograd's transforms do not cost quality. Method: the same training by each algorithm.
    /// </summary>
    [Fact]
    public void Training_EveryAlgorithm_EndsWithin5HundredthsOfADecibel()
    {
        PairSource source = DataSources.OpenTraining(new DataOptions { Crop = 16, Limit = 40, NoiseFixed = true });
        double start = Train(source, ConvolutionAlgorithm.Direct, steps: 1);
        double direct = Train(source, ConvolutionAlgorithm.Direct, Steps);
        Assert.True(direct > start + 3, $"{start} dB after the first step, {direct} dB at the end");
        Assert.Equal(direct, Train(source, ConvolutionAlgorithm.Auto, Steps), 0.05);
        Assert.Equal(direct, Train(source, ConvolutionAlgorithm.Winograd4, Steps), 0.05);
        Assert.Equal(direct, Train(source, ConvolutionAlgorithm.Winograd2, Steps), 0.05);
    }

    /// <summary>
    /// Convolutions are linear in the input and in the parameters, so that central differences are exact at any step:
    /// what is left are roundings, 1e-5 of a sum of some hundred products of magnitude 1.
    /// </summary>
    [Theory]
    [InlineData(ConvolutionAlgorithm.Auto)]
    [InlineData(ConvolutionAlgorithm.Winograd4)]
    [InlineData(ConvolutionAlgorithm.Winograd2)]
    [InlineData(ConvolutionAlgorithm.Direct)]
    public void Gradients_OddSizes_EqualCentralDifferences(ConvolutionAlgorithm algorithm)
    {
        TestValues values = new(5);
        foreach (ConvolutionLayer layer in new ConvolutionLayer[]
            {
                new Conv2d(16, 16, 3, padding: 1),
                new ConvTranspose2d(16, 17, 3),
                new Conv2d(17, 3, 3, padding: 1),
                new ConvTranspose2d(2, 16, 3, padding: 1),
            })
        {
            LayerRun run = new(new Sequential(layer), new ImageShape(layer.In, 5, 3), convolutions: algorithm);
            values.Floats(run.Parameters.Length).CopyTo(run.Parameters, 0);
            float[] x = values.Floats(layer.In * 15);
            float[] weights = values.Floats(run.OutputShape.Elements);
            run.Run(x, 1, (_, _) => weights);
            float[] gradient = [.. run.Gradient];
            float[] inputGradient = [.. run.InputGradient];
            Check($"{layer}: input", x, inputGradient, () => Dot(weights, run.Forward(x)), values);
            Check($"{layer}: parameters", run.Parameters, gradient, () => Dot(weights, run.Forward(x)), values);
        }
    }

    private static void Check(
        string what, float[] variables, float[] gradient, Func<double> function, TestValues values)
    {
        for (int i = values.Next(5); i < variables.Length; i += 1 + values.Next(9))
        {
            float kept = variables[i];
            variables[i] = kept + 1;
            double above = function();
            variables[i] = kept - 1;
            double below = function();
            variables[i] = kept;
            double error = Math.Abs(((above - below) / 2) - gradient[i]);
            Assert.True(error <= 1e-3, $"{what} [{i}]: {gradient[i]}, off by {error:E2}");
        }
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    /// <summary>PSNR against the noisy targets, over all pairs, in decibels.</summary>
    private static double Train(PairSource source, ConvolutionAlgorithm algorithm, int steps)
    {
        int elements = source.Shape.Elements;
        Sequential layers = Catalogue.Find("n2n-initial:channels=16", source.Shape.C)!;
        LayerRun run = new(layers, source.Shape, convolutions: algorithm);
        AlignedBuffer parameters = new(run.Parameters.Length);
        AlignedBuffer gradient = new(run.Parameters.Length);
        DefaultInitializer.Fill(run.Model, 1, parameters.Span);
        Adam adam = new(run.Parameters.Length);
        float[] x = new float[source.Count * elements];
        float[] targets = new float[source.Count * elements];
        for (int i = 0; i < source.Count; i++)
        {
            source.Read(i, 0, x.AsSpan(i * elements, elements), targets.AsSpan(i * elements, elements));
        }

        for (int step = 0; step < steps; step++)
        {
            int first = step * Batch % source.Count * elements;
            parameters.Span.CopyTo(run.Parameters);
            run.Run(x.AsSpan(first, Batch * elements), Batch, (output, image) =>
            {
                float[] outputGradient = new float[output.Length];
                Span<float> target = targets.AsSpan(first + (image * elements), elements);
                new MeanSquaredError().Evaluate(output, target, outputGradient);
                return outputGradient;
            });
            run.Gradient.CopyTo(gradient.Span);
            adam.Step(parameters, gradient, Batch * elements, 0.002, parameters);
        }

        parameters.Span.CopyTo(run.Parameters);
        float[] result = run.Forward(x, source.Count);
        double error = result.Zip(targets, (a, b) => ((double)a - b) * (a - b)).Sum() / result.Length;
        return Psnr.FromMeanSquaredError(error);
    }
}
