using System.Runtime.Intrinsics;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Tests.Randomness;

/// <summary>The normal numbers: their formula, their statistics, their bits.</summary>
public sealed class GaussianTests
{
    private const int SampleCount = 4_000_000;

    /// <summary>
    /// Goal: the formula is the quantile function. Method: its inverse, by an independent series, gives u back.
    /// </summary>
    [Fact]
    public void FromWords_AllRegions_InvertTheNormalDistribution()
    {
        for (double u = 0.5; u > 1e-9; u *= 0.93)
        {
            uint word = (uint)(u * 4294967296.0);
            double exact = (word + 0.5) / 4294967296.0;
            double z = Gaussian.FromWords(Vector256.Create(word)).GetElement(0);
            double mirrored = Gaussian.FromWords(Vector256.Create(~word)).GetElement(0);

            Assert.Equal(-z, mirrored);
            // dP/dz = density, so an error of P, divided by the density, is the error of z.
            double error = (LowerTail(z) - exact) / (Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI));
            double tolerance = z > -5 ? 1e-6 * Math.Max(1, -z) : 2e-3 * -z;
            Assert.True(Math.Abs(error) <= tolerance, $"u {exact}: z {z} is off by {error}");
        }
    }

    [Fact]
    public void Log_PositiveNumbers_MatchesTheLibrary()
    {
        for (float x = 1e-10f; x < 4; x *= 1.0007f)
        {
            double expected = Math.Log(x);
            float actual = Gaussian.Log(Vector256.Create(x)).GetElement(3);
            Assert.True(Math.Abs(actual - expected) <= 1.5e-7 * Math.Max(1, Math.Abs(expected)), $"log {x}: {actual}");
        }
    }

    [Fact]
    public void Fill_ManyNumbers_HaveTheMomentsAndTailsOfANormal()
    {
        float[] numbers = new float[SampleCount];
        Gaussian.Fill(new Philox(1, RandomPurpose.TrainingNoise), 0, 0, 0, numbers);

        double mean = numbers.Average(z => (double)z);
        double variance = numbers.Average(z => (double)z * z);
        double third = numbers.Average(z => (double)z * z * z);
        double fourth = numbers.Average(z => (double)z * z * z * z);
        // Standard errors: 1, sqrt 2, sqrt 15, sqrt 96, each over sqrt(4e6) = 2000; five of them are allowed.
        Assert.InRange(mean, -2.5e-3, 2.5e-3);
        Assert.InRange(variance, 1 - 3.6e-3, 1 + 3.6e-3);
        Assert.InRange(third, -1e-2, 1e-2);
        Assert.InRange(fourth, 3 - 2.5e-2, 3 + 2.5e-2);
        (int Bound, double Share)[] tails = [(1, 0.3173105), (2, 0.0455003), (3, 0.0026998), (4, 6.334e-5)];
        foreach ((int bound, double share) in tails)
        {
            double found = numbers.Count(z => Math.Abs(z) > bound) / (double)SampleCount;
            double allowed = 5 * Math.Sqrt(share / SampleCount);
            Assert.InRange(found, share - allowed, share + allowed);
        }
    }

    [Theory]
    [InlineData(1u, 0u, 0u)]
    [InlineData(0u, 1u, 0u)]
    [InlineData(0u, 0u, 1u)]
    public void Fill_NeighbouringCounters_AreUncorrelated(uint counter0, uint counter1, uint counter2)
    {
        const int Count = 1_000_000;
        Philox random = new(9, RandomPurpose.ValidationNoise);
        float[] here = new float[Count];
        float[] there = new float[Count];
        Gaussian.Fill(random, 0, 0, 0, here);
        Gaussian.Fill(random, counter0, counter1, counter2, there);

        double product = 0;
        double shifted = 0;
        for (int i = 1; i < Count; i++)
        {
            product += (double)here[i] * there[i];
            shifted += (double)here[i] * here[i - 1];
        }

        Assert.InRange(product / Count, -5e-3, 5e-3);
        Assert.InRange(shifted / Count, -5e-3, 5e-3);
    }

    [Fact]
    public void Fill_AnyLength_IsAPrefixOfTheLonger()
    {
        Philox random = new(4, RandomPurpose.TrainingNoise);
        float[] whole = new float[64];
        Gaussian.Fill(random, 1, 2, 3, whole);
        for (int length = 0; length < 64; length++)
        {
            float[] part = new float[length];
            Gaussian.Fill(random, 1, 2, 3, part);
            Assert.Equal(whole[..length], part);
        }
    }

    /// <summary>Noise is part of the result: these bits must come out at every vector width.</summary>
    [Fact]
    public void Fill_StoredBits_StayForEver()
    {
        float[] numbers = new float[8];
        Gaussian.Fill(new Philox(1, RandomPurpose.TrainingNoise), 0, 0, 0, numbers);

        uint[] expected =
        [
            0xBF965EEC, 0xBF65D465, 0xBEDFA7E3, 0x3EDC56C3, 0x3E802E40, 0x3EEA4AA1, 0xBF89C8A9, 0xBE025A65,
        ];
        Assert.Equal(expected, numbers.Select(BitConverter.SingleToUInt32Bits));
    }

    /// <summary>P(Z below z), for z at or below 0: series near the middle, continued fraction in the tail.</summary>
    private static double LowerTail(double z)
    {
        double t = -z;
        double density = Math.Exp(-t * t / 2) / Math.Sqrt(2 * Math.PI);
        if (t < 3)
        {
            double term = t;
            double sum = t;
            for (int i = 1; i < 200; i++)
            {
                term *= t * t / ((2 * i) + 1);
                sum += term;
            }

            return 0.5 - (density * sum);
        }

        double fraction = t;
        for (int i = 200; i >= 1; i--)
        {
            fraction = t + (i / fraction);
        }

        return density / fraction;
    }
}
