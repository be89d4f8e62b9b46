using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Bits;

/// <summary>A few steps of training on fixed numbers: what a run's bits depend on, and nothing else.</summary>
internal static class Training
{
    /// <summary>The parameters at the end, after the losses.</summary>
    public static float[] Run(
        Sequential layers,
        ImageShape input,
        int? bits,
        int imagesPerPass,
        int n,
        int steps,
        Func<int, Optimizer> create,
        long treeReductionMax = Plan.TreeReductionMax)
    {
        TestValues values = new(11);
        LayerRun run = new(layers, input, bits, imagesPerPass, treeReductionMax: treeReductionMax);
        float[] x = values.Floats(n * input.Elements);
        float[] target = values.Floats(n * run.OutputShape.Elements);
        AlignedBuffer parameters = new(run.Parameters.Length);
        BufferPool gradients = new(run.Parameters.Length);
        DefaultInitializer.Fill(run.Model, 1, parameters.Span);
        run.Model.InitializeBuffers(parameters.Span);
        TrainingState state = new(parameters.Span, create(run.Model.ParameterCount), run.Model.Buffers);
        List<float> losses = [];
        for (int step = 0; step < steps; step++)
        {
            double loss = 0;
            state.Parameters.Values.Span.CopyTo(run.Parameters);
            run.Keys = new SampleKeys(Seed: 1, step, FirstSample: 0);
            run.Run(x, n, (output, image) =>
            {
                float[] outputGradient = new float[output.Length];
                loss += new MeanSquaredError().Evaluate(
                    output, target.AsSpan(image * output.Length, output.Length), outputGradient);
                return outputGradient;
            });
            losses.Add((float)loss);
            using PooledBuffer sum = gradients.Rent();
            run.Gradient.CopyTo(sum.Values.Span);
            state.Step(sum.AddReference(), run.Output.Length, 0.05, n);
        }

        Assert.True(losses[^1] < losses[0], "training makes the loss less");
        return [.. losses, .. state.Parameters.Values.Span];
    }
}
