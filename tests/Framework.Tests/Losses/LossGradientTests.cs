using Distributed.Framework.Errors;
using Distributed.Framework.Losses;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Losses;

/// <summary>Every loss against its formula in float64 and that formula's central differences, over odd sizes.</summary>
/// <remarks>
/// Error budget: gradients are of differences of floats, which round by 6e-8 of 1; slopes of up to 100 multiply that,
/// and the differences of the formula add 1e-6: hence 2e-5. The slope of l0 near 0 has no bound: targets keep off.
/// </remarks>
public sealed class LossGradientTests
{
    private const double Epsilon = 1e-8;

    public static TheoryData<string, double> Cases { get; } = new()
    {
        { "mse", 0 }, { "l1", 0 }, { "l0", 0 }, { "l0", 0.3 }, { "l0", 0.75 }, { "l0", 0.999 }, { "hdr", 0 },
        { "cross-entropy", 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Evaluate_OddSizes_MatchesFormulaAndCentralDifferences(string name, double progress)
    {
        foreach (ImageShape shape in new ImageShape[] { new(2, 1, 1), new(10, 1, 1), new(3, 5, 7), new(7, 3, 1) })
        {
            Loss loss = LossCatalogue.Create(name, shape);
            TestValues values = new((ulong)shape.Elements);
            float[] x = [.. values.Floats(shape.Elements).Select(value => Math.Abs(value) + 0.05f)];
            float[] target = [.. values.Floats(shape.Elements).Select((value, i) => Target(value, x[i]))];
            float[] gradient = new float[x.Length];
            double value = loss.Evaluate(x, target, gradient, progress);
            double[] exact = [.. x.Select(element => (double)element)];
            double expected = Formula(name, exact, exact, target, shape, progress);
            Assert.InRange(value, expected - (1e-6 * Math.Abs(expected)), expected + (1e-6 * Math.Abs(expected)));
            for (int i = 0; i < x.Length; i++)
            {
                const double h = 1e-5;
                double[] above = [.. exact];
                double[] below = [.. exact];
                above[i] += h;
                below[i] -= h;
                double slope = (Formula(name, above, exact, target, shape, progress)
                    - Formula(name, below, exact, target, shape, progress)) / (2 * h);
                double allowed = 2e-5 + (2e-5 * Math.Abs(slope));
                Assert.InRange(gradient[i], slope - allowed, slope + allowed);
            }
        }

        float Target(float value, float x) =>
            name == "l0" && Math.Abs(value - x) < 0.01f ? x + 0.5f : Math.Abs(value);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Evaluate_NaN_ShowsInValueAndGradient(string name, double progress)
    {
        Loss loss = LossCatalogue.Create(name, new ImageShape(4, 1, 1));
        float[] gradient = new float[4];
        float[] poisoned = [1, 0, float.NaN, 0];
        Assert.True(double.IsNaN(loss.Evaluate(poisoned, [1, 0, 0, 0], gradient, progress)));
        Assert.True(float.IsNaN(gradient[2]));
        Assert.True(double.IsNaN(loss.Evaluate([1, 0, 2, 0], poisoned, gradient, progress)));
        Assert.True(float.IsNaN(gradient[2]));
    }

    [Theory]
    [InlineData("mse")]
    [InlineData("l1")]
    [InlineData("l0")]
    [InlineData("hdr")]
    public void Evaluate_EqualElement_HasNoGradient(string name)
    {
        float[] gradient = [5];
        LossCatalogue.Create(name, new ImageShape(1, 1, 1)).Evaluate([0.3f], [0.3f], gradient, 0.5);
        Assert.Equal(0, gradient[0]);
    }

    [Fact]
    public void CrossEntropy_HugeLogits_StaysFinite()
    {
        float[] gradient = new float[3];
        double value = new CrossEntropy(3).Evaluate([1e30f, -1e30f, 0], [1, 0, 0], gradient);
        Assert.Equal(0, value);
        Assert.Equal([0f, 0f, 0f], gradient);
        Assert.Equal(2e4, new CrossEntropy(2).Evaluate([1e4f, -1e4f], [0, 1], gradient.AsSpan(0, 2)));
        Assert.Equal([1f, -1f], gradient[..2]);
    }

    [Fact]
    public void CrossEntropy_Mean_DividesByPixels()
    {
        Assert.Equal(1, LossCatalogue.Create("cross-entropy", new ImageShape(10, 1, 1)).Divisor(10));
        Assert.Equal(35, LossCatalogue.Create("cross-entropy", new ImageShape(3, 5, 7)).Divisor(105));
    }

    [Fact]
    public void Wrong_Arguments_AreRefusedByName()
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => LossCatalogue.Create("l3", new ImageShape(3, 1, 1)));
        Assert.Contains("loss l3", exception.Message, StringComparison.Ordinal);
        Assert.Contains("cross-entropy", exception.Remedy, StringComparison.Ordinal);
        exception = Assert.Throws<ConfigurationException>(
            () => LossCatalogue.Create("cross-entropy", new ImageShape(1, 4, 4)));
        Assert.Contains("2 or more", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ConfigurationException>(() => LossCatalogue.CheckReduction("max"));
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => new CrossEntropy(3).EvaluateClasses(new float[3], [3], new float[3]));
        Assert.Contains("0 to 2", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The definition; frozen is what a denominator that counts as a constant is made of.</summary>
    private static double Formula(
        string name, double[] x, double[] frozen, float[] t, ImageShape shape, double progress)
    {
        double sum = 0;
        int pixels = shape.H * shape.W;
        for (int i = 0; i < x.Length; i++)
        {
            double d = x[i] - t[i];
            sum += name switch
            {
                "mse" => d * d,
                "l1" => Math.Abs(d),
                "l0" => Math.Pow(Math.Abs(d) + Epsilon, 2 * (1 - progress)),
                "hdr" => d * d / Math.Pow(frozen[i] + 0.01f, 2),
                _ => -t[i] * Math.Log(Math.Exp(x[i]) / Enumerable.Range(0, shape.C)
                    .Sum(k => Math.Exp(x[(k * pixels) + (i % pixels)]))),
            };
        }

        return sum;
    }
}
