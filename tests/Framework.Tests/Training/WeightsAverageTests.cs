using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Golden;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>The average of weights against PyTorch's, at every vector width; and where it rests.</summary>
public sealed class WeightsAverageTests
{
    /// <summary>Against torch.optim.swa_utils.AveragedModel in float64, its decay with the warm-up.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Add_ReferenceCase_MatchesEveryStep(int bits)
    {
        GoldenCase golden = GoldenCase.Load("ema_00");
        float[] weights = golden.Floats("weights");
        float[] averages = golden.Floats("averages");
        int count = golden.Shape("weights")[1];
        WeightsAverage average = new(
            golden.Double("decay"), weights.AsSpan(0, count), count, KernelSet.ForBits(bits));
        for (int step = 1; step < golden.Shape("weights")[0]; step++)
        {
            average.Add(Buffer(weights.AsSpan(step * count, count)));
            Distance.AssertClose(
                $"step {step}", average.State.Values.Span[..count], averages.AsSpan(step * count, count), 1e-6);
        }
    }

    /// <summary>Decays near 1 have roundings that would shrink it by 3e-4 in 10,000 steps.</summary>
    [Fact]
    public void Add_WeightsThatRest_LeavesTheirBits_AndCopiesBuffers()
    {
        float[] state = new TestValues(2).Floats(23);
        WeightsAverage average = new(0.9999, state, parameterCount: 19);
        AlignedBuffer next = Buffer(state);
        next.Span[19..].Fill(7);
        for (int step = 0; step < 100; step++)
        {
            average.Add(next);
        }

        Assert.Equal([.. state[..19], 7, 7, 7, 7], average.State.Values.Span[..23].ToArray());
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void Check_NoDecay_IsRefusedByName(double decay)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => WeightsAverage.Check(decay));
        Assert.Contains("The ema is", exception.Message, StringComparison.Ordinal);
    }

    private static AlignedBuffer Buffer(ReadOnlySpan<float> values)
    {
        AlignedBuffer buffer = new(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
