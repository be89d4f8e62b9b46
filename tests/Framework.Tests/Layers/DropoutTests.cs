using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Dropout: a function of seed, step, sample, layer and element, and nothing outside training.</summary>
public sealed class DropoutTests
{
    private static readonly ImageShape s_images = new(5, 40, 50);

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    [InlineData(0.9)]
    public void Output_InTraining_HasZerosAtTheRateAndKeepsTheMean(double p)
    {
        float[] y = Run(new SampleKeys(1, 2, 3), p: p).Output;
        double kept = y.Count(value => value != 0) / (double)y.Length;

        // Four standard deviations of a mean of 10,000 draws.
        double tolerance = 4 * Math.Sqrt(p * (1 - p) / y.Length);
        Assert.InRange(kept, 1 - p - tolerance, 1 - p + tolerance);
        Assert.All(y, value => Assert.True(value == 0 || value == (float)(1 / (1 - p))));
    }

    [Fact]
    public void Mask_AnotherKey_IsAnother()
    {
        SampleKeys keys = new(1, 2, 3);
        float[] first = Run(keys).Output;
        Assert.Equal(first, Run(keys).Output);
        Assert.NotEqual(first, Run(keys with { Seed = 2 }).Output);
        Assert.NotEqual(first, Run(keys with { Step = 3 }).Output);
        Assert.NotEqual(first, Run(keys with { FirstSample = 4 }).Output);
    }

    [Fact]
    public void Mask_OfTwoLayers_Differs()
    {
        LayerRun twice = new(new Sequential(new Dropout(), new Dropout()), s_images);
        float[] y = twice.Forward(Ones(1));
        Assert.InRange(y.Count(value => value != 0) / (double)y.Length, 0.22, 0.28);
    }

    [Fact]
    public void Mask_AnyWidthAndImagesPerPass_IsTheSame()
    {
        float[] first = Run(new SampleKeys(1, 2, 3), n: 3).Output;
        foreach (int bits in new[] { 128, 256, 512 })
        {
            Assert.Equal(first, Run(new SampleKeys(1, 2, 3), n: 3, bits: bits, imagesPerPass: 2).Output);
        }
    }

    [Fact]
    public void Gradient_GoesWhereTheOutputWent()
    {
        LayerRun run = Run(new SampleKeys(1, 2, 3));
        Assert.Equal(run.Output, run.InputGradient);
    }

    [Fact]
    public void Output_OutsideTraining_IsTheInput()
    {
        float[] x = Ones(1);
        Assert.Equal(x, new LayerRun(new Sequential(new Dropout()), s_images).Evaluate(x));
    }

    private static float[] Ones(int n) => [.. Enumerable.Repeat(1f, n * s_images.Elements)];

    private static LayerRun Run(
        SampleKeys keys, double p = 0.5, int n = 1, int? bits = null, int imagesPerPass = 1)
    {
        LayerRun run = new(new Sequential(new Dropout(p)), s_images, bits, imagesPerPass) { Keys = keys };
        run.Run(Ones(n), n, (output, _) => Ones(1));
        return run;
    }
}
