using Distributed.Framework.Kernels;
using Distributed.Framework.Tests.Naive;
using Vector4 = Distributed.Framework.Kernels.Vector4;

namespace Distributed.Framework.Tests.Kernels;

/// <summary>Our elementary functions against the C library's in float64, over their whole range.</summary>
/// <remarks>
/// Error budget in units of the last place: the polynomial's last step 0.5, its other steps, the remainder r and the
/// Taylor series together another 0.5; the power of two is exact. A sigmoid adds and divides once more each.
/// </remarks>
public sealed unsafe class TranscendentalTests
{
    private const int Count = 200_000;

    [Fact]
    public void Exp_WholeRange_IsWithinAUnitInTheLastPlace()
    {
        double worst = 0;
        foreach (float x in Range(-87, 88))
        {
            float actual = Exp(x);
            worst = Math.Max(worst, Math.Abs(actual - Math.Exp(x)) / UnitInTheLastPlace(Math.Exp(x)));
        }

        Assert.InRange(worst, 0.4, 1.1);
    }

    [Fact]
    public void Exp_BeyondItsRange_IsLimited()
    {
        Assert.Equal(Exp(88), Exp(float.PositiveInfinity));
        Assert.Equal(Exp(88), Exp(88.1f));
        Assert.Equal(Exp(-87), Exp(float.NegativeInfinity));
        Assert.Equal(Exp(-87), Exp(-100));
        Assert.True(float.IsNaN(Exp(float.NaN)));
        Assert.Equal(1f, Exp(0f));
        Assert.Equal(1f, Exp(-0f));
    }

    [Fact]
    public void Sigmoid_WholeRange_IsWithinTwoUnitsInTheLastPlace()
    {
        double worst = 0;
        float before = 0;
        foreach (float x in Range(-87, 87))
        {
            float actual = Sigmoid(x);
            double exact = 1 / (1 + Math.Exp(-x));
            worst = Math.Max(worst, Math.Abs(actual - exact) / UnitInTheLastPlace(exact));
            Assert.InRange(actual, before * (1 - 3e-7f), 1);
            before = actual;
        }

        Assert.InRange(worst, 0.4, 2.2);
    }

    [Fact]
    public void Tanh_WholeRange_IsWithinTwoUnitsInTheLastPlace()
    {
        double worst = 0;
        foreach (float x in EveryExponent().Where(x => MathF.Abs(x) < 30))
        {
            worst = Math.Max(worst, Distance(Tanh(x), Math.Tanh(x)));
            Assert.Equal(-Tanh(x), Tanh(-x));
        }

        Assert.InRange(worst, 0.4, 2);
        Assert.Equal([1f, -1f, 1f, -1f], [Tanh(30), Tanh(-30), Tanh(float.PositiveInfinity), Tanh(float.MinValue)]);
        Assert.True(float.IsNaN(Tanh(float.NaN)));
    }

    [Fact]
    public void ExpMinusOne_WholeRange_IsWithinTwoUnitsInTheLastPlace()
    {
        double worst = 0;
        foreach (float x in EveryExponent().Where(x => x < 0))
        {
            double exact = x > -0.5 ? SmallExpMinusOne(x) : Math.Exp(x) - 1;
            worst = Math.Max(worst, Distance(ExpMinusOne(x), exact));
        }

        Assert.InRange(worst, 0.4, 2);
        Assert.Equal([0f, -1f, -1f], [ExpMinusOne(0), ExpMinusOne(-100), ExpMinusOne(float.NegativeInfinity)]);
        Assert.True(float.IsNaN(ExpMinusOne(float.NaN)));

        // The Taylor series, where the difference would lose its digits.
        static double SmallExpMinusOne(double x)
        {
            double sum = 0;
            for (int i = 20; i > 0; i--)
            {
                sum = (x / i) * (1 + sum);
            }

            return sum;
        }
    }

    [Fact]
    public void Functions_AllWidths_GiveTheSameBits()
    {
        float[] x = [.. Range(-90, 90).Where((_, i) => i % 7 == 0), float.NegativeInfinity, float.PositiveInfinity];
        float* narrow = stackalloc float[16];
        float* wide = stackalloc float[16];
        float* widest = stackalloc float[16];
        float* source = stackalloc float[16];
        for (int i = 0; i + 16 <= x.Length; i += 16)
        {
            x.AsSpan(i, 16).CopyTo(new Span<float>(source, 16));
            for (int lane = 0; lane < 16; lane += 4)
            {
                Vector4.Store(narrow + lane, Transcendental.Sigmoid(Vector4.Load(source + lane)));
            }

            for (int lane = 0; lane < 16; lane += 8)
            {
                Vector8.Store(wide + lane, Transcendental.Sigmoid(Vector8.Load(source + lane)));
            }

            Vector16.Store(widest, Transcendental.Sigmoid(Vector16.Load(source)));
            for (int lane = 0; lane < 16; lane++)
            {
                int bits = BitConverter.SingleToInt32Bits(narrow[lane]);
                Assert.Equal(bits, BitConverter.SingleToInt32Bits(wide[lane]));
                Assert.Equal(bits, BitConverter.SingleToInt32Bits(widest[lane]));
            }
        }
    }

    /// <summary>Both signs, all exponents, denormal numbers included: some thousand numbers of each.</summary>
    private static IEnumerable<float> EveryExponent()
    {
        TestValues values = new(1);
        for (int exponent = 0; exponent < 255; exponent++)
        {
            for (int i = 0; i < 4000; i++)
            {
                float x = BitConverter.Int32BitsToSingle((exponent << 23) | values.Next(1 << 23));
                yield return i % 2 == 0 ? x : -x;
            }
        }
    }

    private static double Distance(float actual, double exact) =>
        Math.Abs(actual - exact) / Math.Abs(UnitInTheLastPlace(Math.Abs(exact)));

    private static float Tanh(float x)
    {
        float* result = stackalloc float[4];
        Vector4.Store(result, Transcendental.Tanh(Vector4.Broadcast(x)));
        return *result;
    }

    private static float ExpMinusOne(float x)
    {
        float* result = stackalloc float[4];
        Vector4.Store(result, Transcendental.ExpMinusOne(Vector4.Broadcast(x)));
        return *result;
    }

    private static IEnumerable<float> Range(float from, float to) =>
        Enumerable.Range(0, Count + 1).Select(i => from + ((to - from) * i / Count));

    private static double UnitInTheLastPlace(double value) => MathF.BitIncrement((float)value) - (float)value;

    private static float Exp(float x)
    {
        float* result = stackalloc float[4];
        Vector4.Store(result, Transcendental.Exp(Vector4.Broadcast(x)));
        return *result;
    }

    private static float Sigmoid(float x)
    {
        float* result = stackalloc float[4];
        Vector4.Store(result, Transcendental.Sigmoid(Vector4.Broadcast(x)));
        return *result;
    }
}
