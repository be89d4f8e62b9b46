using Distributed.Framework.Kernels;
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
