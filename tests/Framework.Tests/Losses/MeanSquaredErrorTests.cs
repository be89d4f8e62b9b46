using Distributed.Framework.Losses;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Losses;

public sealed class MeanSquaredErrorTests
{
    /// <summary>
    /// Goal: value and gradient are the sum of squares and its derivative. Method: a loop, and central differences; the
    /// loss is quadratic, so only the rounding of x + h counts, 6e-8 of 1 divided by 2 h = 2^-5: 2e-6, times slope 4.
    /// </summary>
    [Fact]
    public void Evaluate_AllLengths_EqualsLoopAndCentralDifferences()
    {
        const float h = 1f / 64;
        MeanSquaredError loss = new();
        for (int length = 0; length <= 70; length++)
        {
            TestValues values = new((ulong)length);
            float[] x = values.Floats(length);
            float[] target = values.Floats(length);
            float[] gradient = new float[length];
            double value = loss.Evaluate(x, target, gradient);
            Assert.Equal(x.Zip(target, (a, b) => ((double)a - b) * ((double)a - b)).Sum(), value, 1e-6);
            Assert.Equal(length, loss.Divisor(length));
            for (int i = 0; i < length; i++)
            {
                float kept = x[i];
                x[i] = kept + h;
                double above = loss.Evaluate(x, target, new float[length]);
                x[i] = kept - h;
                double below = loss.Evaluate(x, target, new float[length]);
                x[i] = kept;
                Assert.Equal((above - below) / (2 * h), gradient[i], 2e-5);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Evaluate_NotFinite_ShowsInValueAndGradient(float poison)
    {
        float[] x = [1, 2, poison, 4];
        float[] gradient = new float[4];
        Assert.False(double.IsFinite(new MeanSquaredError().Evaluate(x, new float[4], gradient)));
        Assert.False(float.IsFinite(gradient[2]));
        Assert.Equal([2f, 4f], gradient[..2]);
        Assert.False(double.IsFinite(new MeanSquaredError().Evaluate(new float[4], x, gradient)));
    }

    [Fact]
    public void Evaluate_LengthsDiffer_SaysAllThree()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => new MeanSquaredError().Evaluate(new float[3], new float[4], new float[5]));
        Assert.Contains("3 elements, target 4, gradient 5", exception.Message, StringComparison.Ordinal);
    }
}
