using Distributed.Framework.Kernels;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Kernels;

/// <summary>Our float64 functions against the C library's, which err by less than a unit in the last place.</summary>
public sealed class ElementaryTests
{
    private const int Count = 200_000;

    [Fact]
    public void Exp_WholeRange_IsWithinTwoUnits()
    {
        for (int i = 0; i <= Count; i++)
        {
            double x = -708 + (1417.0 * i / Count);
            AssertUnits(2.5, Math.Exp(x), Elementary.Exp(x), x);
        }

        Assert.Equal(0, Elementary.Exp(-709));
        Assert.Equal(0, Elementary.Exp(double.NegativeInfinity));
        Assert.Equal(1, Elementary.Exp(0));
        Assert.Equal(double.PositiveInfinity, Elementary.Exp(710));
        Assert.True(double.IsNaN(Elementary.Exp(double.NaN)));
    }

    [Fact]
    public void Log_WholeRange_IsWithinTwoUnits()
    {
        for (int i = 1; i <= Count; i++)
        {
            double near = 0.5 + (1.5 * i / Count);
            AssertUnits(2.5, Math.Log(near), Elementary.Log(near), near);
            double far = Math.Exp(-744 + (1453.0 * i / Count));
            AssertUnits(2.5, Math.Log(far), Elementary.Log(far), far);
        }

        Assert.Equal(0, Elementary.Log(1));
        Assert.Equal(double.NegativeInfinity, Elementary.Log(0));
        Assert.Equal(double.PositiveInfinity, Elementary.Log(double.PositiveInfinity));
        Assert.True(double.IsNaN(Elementary.Log(-1)));
        Assert.True(double.IsNaN(Elementary.Log(double.NaN)));
    }

    [Fact]
    public void Pow_AnnealedErrors_IsWithinItsBound()
    {
        TestValues values = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            double x = Math.Abs(values.Floats(1)[0]) + 1e-8;
            double y = i / 5000.0;
            AssertUnits(3 + Math.Abs(y * Math.Log(x)), Math.Pow(x, y), Elementary.Pow(x, y), x);
        }

        Assert.Equal(1, Elementary.Pow(0.3, 0));
        Assert.Equal(0.125, Elementary.Pow(0.5, 3));
    }

    [Fact]
    public void CosPi_WholeRange_IsWithinItsBound()
    {
        for (int i = 0; i <= 10_000; i++)
        {
            double t = i / 10_000.0;
            Assert.Equal(Math.Cos(Math.PI * t), Elementary.CosPi(t), 4e-16);
        }

        Assert.Equal(1, Elementary.CosPi(0));
        Assert.Equal(0, Elementary.CosPi(0.5));
        Assert.Equal(-1, Elementary.CosPi(1));
    }

    private static void AssertUnits(double units, double expected, double actual, double x)
    {
        double off = Math.Abs(actual - expected) / (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected));
        Assert.True(off <= units, $"at {x:R}: {actual:R}, not {expected:R}: {off:F1} units off");
    }
}
