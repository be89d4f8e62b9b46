using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Batch normalization: statistics of a shard, running statistics outside training.</summary>
public sealed class BatchNorm2dTests
{
    private static readonly ImageShape s_images = new(3, 5, 7);

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Gradient_OfAShard_CarriesItsStatisticsTimesSamples(int bits)
    {
        const int n = 4;
        LayerRun run = new(new Sequential(new BatchNorm2d(3)), s_images, bits, imagesPerPass: n);
        float[] x = [.. new TestValues(1).Floats(n * s_images.Elements).Select(value => value + 100)];
        run.Run(x, n, (output, _) => output);
        for (int c = 0; c < 3; c++)
        {
            double[] channel = [.. x.Where((_, i) => i / 35 % 3 == c).Select(value => (double)value)];
            double mean = channel.Average();
            double variance = channel.Sum(value => (value - mean) * (value - mean)) / (channel.Length - 1);
            Assert.Equal(n * mean, run.Slice(run.Gradient, "0.running_mean")[c], n * mean * 1e-6);
            Assert.Equal(n * variance, run.Slice(run.Gradient, "0.running_var")[c], n * variance * 1e-4);
        }
    }

    [Fact]
    public void Output_OutsideTraining_FollowsTheRunningStatistics()
    {
        Sequential layers = new(new Tanh(), new BatchNorm2d(3, eps: 0.01), new ReLU());
        LayerRun run = new(layers, s_images, imagesPerPass: 8);
        ((float[])[2, -1, 0.5f]).CopyTo(run.Slice(run.Parameters, "1.weight"));
        ((float[])[0.1f, 0.2f, 0.3f]).CopyTo(run.Slice(run.Parameters, "1.bias"));
        ((float[])[-0.5f, 0, 0.25f]).CopyTo(run.Slice(run.Parameters, "1.running_mean"));
        ((float[])[0.25f, 4, 1]).CopyTo(run.Slice(run.Parameters, "1.running_var"));
        float[] x = new TestValues(1).Floats(s_images.Elements);
        float[] y = run.Evaluate(x);
        for (int i = 0; i < x.Length; i++)
        {
            int c = i / 35;
            double normal = (Math.Tanh(x[i]) - run.Parameters[6 + c]) / Math.Sqrt(run.Parameters[9 + c] + 0.01);
            double expected = Math.Max(0, (normal * run.Parameters[c]) + run.Parameters[3 + c]);
            Assert.Equal(expected, y[i], 1e-6);
        }
    }

    [Fact]
    public void Model_WithBatchNorm_PutsBuffersBehindAllParameters()
    {
        Model model = new(new Sequential(
            new BatchNorm2d(2, momentum: 0.25), new Conv2d(2, 3, 1), new BatchNorm2d(3, affine: false)));
        Assert.Equal(
            ["0.weight@0", "0.bias@2", "1.weight@4", "1.bias@10"],
            model.Parameters.Select(parameter => $"{parameter.Name}@{parameter.Start}"));
        Assert.Equal(
            ["0.running_mean@13", "0.running_var@15", "2.running_mean@17", "2.running_var@20"],
            model.Buffers.Select(buffer => $"{buffer.Name}@{buffer.Start}"));
        Assert.Equal((13, 23, true), (model.ParameterCount, model.StateCount, model.NeedsWholeShard));
        float[] state = new float[23];
        model.InitializeBuffers(state);
        Assert.Equal([0, 0, 1, 1, 0, 0, 0, 1, 1, 1], state[13..]);
        Assert.Equal(0.25f, model.Buffers[0].Momentum);
    }

    [Fact]
    public void Shard_InTwoPasses_IsRefused()
    {
        LayerRun run = new(new Sequential(new BatchNorm2d(3)), s_images, imagesPerPass: 2);
        float[] x = new float[4 * s_images.Elements];
        Assert.Throws<InvalidOperationException>(() => run.Run(x, 4, (output, _) => output));
    }
}
