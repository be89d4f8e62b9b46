using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Optimizers;

/// <summary>One order of adding squares; and clipping, which changes nothing that is short enough.</summary>
public sealed class GradientNormTests
{
    /// <summary>Against the order as it is written down, at lengths around eight, blocks, helpers' ranges.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData((4 * 4096) - 1)]
    [InlineData(4 * 4096)]
    [InlineData((9 * 4096) + 5)]
    [InlineData((69 * 4096) + 5)]
    public void SumOfSquares_AnyLength_IsAddedInBlocksByEighthElements(int length)
    {
        float[] values = new TestValues(3).Floats(length);
        double expected = 0;
        foreach (float[] block in values.Chunk(4096))
        {
            double[] sums = new double[8];
            for (int i = 0; i < block.Length; i++)
            {
                sums[i % 8] += (double)block[i] * block[i];
            }

            expected += sums.Aggregate(0.0, (sum, each) => sum + each);
        }

        Assert.Equal(expected, GradientNorm.SumOfSquares(values));
    }

    [Fact]
    public void SumOfSquares_OfNaN_IsNaN() =>
        Assert.True(double.IsNaN(GradientNorm.SumOfSquares(new float[] { 1, float.NaN, 1 })));

    /// <summary>The mean of the sum (6, 8) over 2 has length 5.</summary>
    [Fact]
    public void Clip_OnlyWhatIsLonger()
    {
        float[] sum = [6, 8];
        Assert.Equal(2, GradientNorm.Clip(sum, 2, normMax: 5.1));
        Assert.Equal(2 * 5 / 2.5, GradientNorm.Clip(sum, 2, normMax: 2.5), 1e-5);
        Assert.Equal(2, GradientNorm.Clip(new float[2], 2, normMax: 1e-3));
    }

    [Fact]
    public void Step_OfAShortGradient_HasTheBitsOfOneWithoutClipping()
    {
        TestValues values = new(4);
        float[] start = values.Floats(70);
        float[] gradient = values.Floats(70);
        Assert.Equal(Result(clipNorm: 0), Result(clipNorm: 100));
        Assert.NotEqual(Result(clipNorm: 0), Result(clipNorm: 0.1));

        float[] Result(double clipNorm)
        {
            AlignedBuffer parameters = new(start.Length);
            AlignedBuffer sum = new(start.Length);
            start.CopyTo(parameters.Span);
            gradient.CopyTo(sum.Span);
            new Sgd(start.Length) { ClipNorm = clipNorm }.Step(parameters, sum, 1, 0.1, parameters);
            return parameters.Span.ToArray();
        }
    }
}
