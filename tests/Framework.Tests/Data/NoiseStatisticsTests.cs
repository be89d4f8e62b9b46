using System.Globalization;
using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Kernels;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Noise models: mean, variance, rates, and independence of copies, within five standard errors.</summary>
public sealed class NoiseStatisticsTests
{
    private static readonly ImageShape s_shape = new(3, 64, 64);

    [Theory]
    [InlineData(0.5f, 0.1)]
    [InlineData(30f, 0.2)]
    [InlineData(30f, 0.9)]
    [InlineData(30f, 0.3334)]
    [InlineData(5000f, 1.0)]
    public void Poisson_MeanAndVariance_AreThoseOfCounts(float peak, double clean)
    {
        (double mean, double variance, double fourth) = Moments($"poisson:{peak:0.##}", (float)clean);
        double expected = clean / peak;
        int n = s_shape.Elements;

        Assert.Equal(clean, mean, 5 * Math.Sqrt(expected / n));
        // Variance of the sample variance of a Poisson number of mean m: (m + 2 m^2) / n.
        double counts = clean * peak;
        double error = Math.Sqrt((counts + (2 * counts * counts)) / n) / (peak * peak);
        Assert.Equal(expected, variance, 5 * error);
        Assert.InRange(fourth / (expected * expected), 0.85 * (3 + (1 / counts)), 1.25 * (3 + (1 / counts)));
    }

    [Theory]
    [InlineData(3.7)]
    [InlineData(9.99)]
    [InlineData(10.01)]
    [InlineData(42)]
    public void PoissonDraw_Frequencies_AreTheDistribution(double mean)
    {
        const int Draws = 100_000;
        Philox random = new(3, RandomPurpose.TrainingNoise);
        int[] found = new int[200];
        for (uint i = 0; i < Draws; i++)
        {
            found[(int)Poisson.Draw(random, 0, 0, 0, i, mean)]++;
        }

        double probability = Math.Exp(-mean);
        double square = 0;
        int cells = 0;
        for (int k = 0; k < found.Length; k++)
        {
            double expected = probability * Draws;
            if (expected >= 10)
            {
                square += (found[k] - expected) * (found[k] - expected) / expected;
                cells++;
            }

            probability *= mean / (k + 1);
        }

        Assert.InRange(square, 0, cells + (5 * Math.Sqrt(2 * cells)));
    }

    [Fact]
    public void Poisson_ItsOwnFunctions_AreCorrect()
    {
        for (double x = 1e-6; x < 1e6; x *= 1.37)
        {
            Assert.Equal(Math.Log(x), Elementary.Log(x), 1e-13 * Math.Max(1, Math.Abs(Math.Log(x))));
            double small = x % 10;
            Assert.Equal(1, Elementary.Exp(-small) / Math.Exp(-small), 1e-12);
        }

        double sum = 0;
        for (int k = 1; k < 300; k++)
        {
            sum += Math.Log(k);
            Assert.Equal(sum, Poisson.LogFactorial(k), 1e-11 * Math.Max(1, sum));
        }

        Assert.Equal(0, Poisson.Draw(default, 0, 0, 0, 0, double.NaN));
        Assert.Equal(0, Poisson.Draw(default, 0, 0, 0, 0, -1));
    }

    [Fact]
    public void Bernoulli_LosesWholePixelsAtItsRate_AndSaysWhich()
    {
        NoiseModel noise = NoiseModel.Parse("bernoulli:0.3");
        float[] clean = [.. Enumerable.Range(0, s_shape.Elements).Select(i => 0.5f + (i * 1e-5f))];
        float[] noisy = new float[clean.Length];
        float[] mask = new float[64 * 64];
        noise.MakeNoisy(Key(0), clean, s_shape, noisy);
        noise.MakeMask(Key(0), s_shape, mask);

        for (int i = 0; i < noisy.Length; i++)
        {
            Assert.Equal(mask[i % mask.Length] == 0 ? 0 : clean[i], noisy[i]);
        }

        Assert.Equal(0.7, mask.Average(), 5 * Math.Sqrt(0.21 / mask.Length));
        Assert.True(noise.HasMask);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void Impulse_ReplacesWholePixelsByUniformColours(int channels)
    {
        ImageShape shape = new(channels, 64, 64);
        float[] noisy = new float[shape.Elements];
        float[] clean = Filled(shape, 7);
        NoiseModel.Parse("impulse:0.4").MakeNoisy(Key(0), clean, shape, noisy);

        bool[] replaced = [.. noisy.Take(4096).Select(value => value != 7)];
        Assert.Equal(0.4, replaced.Count(isReplaced => isReplaced) / 4096.0, 5 * Math.Sqrt(0.24 / 4096));
        float[] colours = [.. noisy.Where(value => value != 7)];
        Assert.Equal(Enumerable.Range(0, noisy.Length).Select(i => replaced[i % 4096]), noisy.Select(v => v != 7));
        Assert.All(colours, value => Assert.InRange(value, 0, 1));
        Assert.Equal(0.5, colours.Average(), 5 * Math.Sqrt(1 / 12.0 / colours.Length));
        Assert.Equal(1 / 12.0, colours.Average(value => (value - 0.5) * (value - 0.5)), 0.01);
        Assert.Equal(colours.Length, replaced.Count(isReplaced => isReplaced) * channels);
        Assert.InRange(colours.Distinct().Count(), colours.Length - 20, colours.Length);
    }

    [Theory]
    [InlineData("text", 0.25, 64)]
    [InlineData("text:0.5", 0.5, 64)]
    [InlineData("text:0.1", 0.1, 32)]
    public void Text_CoversAboutItsShare_InFewColours(string name, double share, int side)
    {
        ImageShape shape = new(3, side, side);
        double covered = 0;
        float[] noisy = new float[shape.Elements];
        for (uint sample = 0; sample < 50; sample++)
        {
            NoiseModel.Parse(name).MakeNoisy(Key(0) with { Sample = sample }, Filled(shape, 7), shape, noisy);
            covered += noisy.Take(side * side).Count(value => value != 7) / (50.0 * side * side);
            Assert.Equal(
                noisy.Take(side * side).Count(value => value != 7), noisy.TakeLast(side * side).Count(v => v != 7));
            Assert.InRange(noisy.Take(side * side).Distinct().Count(), 2, 200);
        }

        Assert.InRange(covered, share, share * 1.35);
    }

    [Theory]
    [InlineData("gaussian:0-50")]
    [InlineData("correlated:0-50,2")]
    [InlineData("bernoulli:0-0.9")]
    [InlineData("impulse:0.2-0.6")]
    [InlineData("text:0-0.5")]
    [InlineData("poisson:5-100")]
    public void Ranges_DrawAnotherLevelForEachCopy(string name)
    {
        NoiseModel noise = NoiseModel.Parse(name);
        float[] clean = Filled(s_shape, 0.5f);
        float[] noisy = new float[clean.Length];
        List<double> squares = [];
        for (uint sample = 0; sample < 40; sample++)
        {
            noise.MakeNoisy(Key(sample % 2) with { Sample = sample / 2 }, clean, s_shape, noisy);
            squares.Add(noisy.Average(value => (value - 0.5) * (value - 0.5)));
        }

        Assert.Equal(name, noise.Name);
        Assert.InRange(squares.Max() / squares.Min(), 1.5, 1e6);
    }

    /// <summary>
    /// Goal: mean 0, the asked variance in every pixel, at the border too, and the correlation that the kernel has.
    /// Method: many samples of an image smaller than the kernel; what is expected is that of the convolution.
    /// </summary>
    [Theory]
    [InlineData(0.5)]
    [InlineData(1.0)]
    [InlineData(2.5)]
    public void Correlated_PixelsHaveTheirVariance_AndTheKernelsCorrelation(double blur)
    {
        const int Side = 13;
        const int Draws = 6000;
        ImageShape shape = new(2, Side, Side);
        NoiseModel noise = NoiseModel.Parse(string.Create(CultureInfo.InvariantCulture, $"correlated:51,{blur}"));
        float[] clean = Filled(shape, 0.5f);
        float[] noisy = new float[shape.Elements];
        double[] sums = new double[shape.Elements];
        double[] squares = new double[shape.Elements];
        double[] beside = new double[4];
        double[] below = new double[4];
        double[] kernel = [.. Enumerable.Range(-20, 41).Select(x => Math.Exp(-x * x / (2 * blur * blur)))];
        double across = 0;
        for (uint sample = 0; sample < Draws; sample++)
        {
            noise.MakeNoisy(Key(0) with { Sample = sample }, clean, shape, noisy);
            double[] z = [.. noisy.Select(value => (value - 0.5) / 0.2)];
            for (int i = 0; i < z.Length; i++)
            {
                sums[i] += z[i];
                squares[i] += z[i] * z[i];
            }

            for (int d = 0; d < 4; d++)
            {
                beside[d] += z[0] * z[d];
                below[d] += z[^1] * z[^(1 + (d * Side))];
            }

            across += z[0] * z[Side * Side];
        }

        double error = 5 / Math.Sqrt(Draws);
        Assert.All(sums, sum => Assert.Equal(0, sum / Draws, error));
        Assert.All(squares, square => Assert.Equal(1, square / Draws, error * Math.Sqrt(2)));
        for (int d = 0; d < 4; d++)
        {
            double expected = kernel.Zip(kernel.Skip(d)).Sum(pair => pair.First * pair.Second)
                / kernel.Sum(value => value * value);
            Assert.Equal(expected, beside[d] / Draws, (error * Math.Sqrt(2)) + 0.005);
            Assert.Equal(expected, below[d] / Draws, (error * Math.Sqrt(2)) + 0.005);
        }

        Assert.Equal(0, across / Draws, error);
    }

    /// <summary>The same values as a convolution of the white noise that is written out.</summary>
    [Fact]
    public void Correlated_IsTheWhiteNoiseConvolved()
    {
        ImageShape shape = new(2, 5, 11);
        const int Reach = 3;
        float[] noisy = new float[shape.Elements];
        NoiseModel.Parse("correlated:51").MakeNoisy(Key(1), new float[shape.Elements], shape, noisy);

        int length = (shape.W + (2 * Reach) + 3) / 4 * 4;
        float[] white = new float[shape.C * (shape.H + (2 * Reach)) * length];
        Gaussian.Fill(Key(1).Random, 2, 3, 1, white);
        double[] kernel = [.. Enumerable.Range(-Reach, (2 * Reach) + 1).Select(x => Math.Exp(-x * x / 2.0))];
        double norm = Math.Sqrt(kernel.Sum(value => value * value));
        for (int i = 0; i < noisy.Length; i++)
        {
            (int c, int y, int x) = (i / 55, i / 11 % 5, i % 11);
            double sum = 0;
            for (int k = 0; k < kernel.Length * kernel.Length; k++)
            {
                (int down, int right) = (k / kernel.Length, k % kernel.Length);
                sum += kernel[down] * kernel[right] / (norm * norm)
                    * white[(((c * (shape.H + (2 * Reach))) + y + down) * length) + x + right];
            }

            Assert.Equal(0.2 * sum, noisy[i], 1e-6);
        }
    }

    [Fact]
    public void GaussianRange_LevelsAreUniform()
    {
        NoiseLevel level = new(10, 50);
        double[] levels =
            [.. Enumerable.Range(0, 4000).Select(i => (double)level.Draw(Key(0) with { Sample = (uint)i }))];

        Assert.All(levels, value => Assert.InRange(value, 10, 50));
        Assert.Equal(30, levels.Average(), 1.0);
        Assert.Equal(1600 / 12.0, levels.Average(value => (value - 30) * (value - 30)), 8.0);
    }

    [Theory]
    [InlineData("gaussian:25")]
    [InlineData("correlated:25,0.5")]
    [InlineData("poisson:30")]
    [InlineData("bernoulli:0.5")]
    [InlineData("impulse:0.5")]
    [InlineData("text:0.4")]
    public void Copies_AreIndependentAndRepeatable(string name)
    {
        NoiseModel noise = NoiseModel.Parse(name);
        float[] clean = Filled(s_shape, 0.6f);
        float[] first = new float[clean.Length];
        float[] second = new float[clean.Length];
        float[] again = [.. clean];
        double correlation = 0;
        double square = 0;
        for (uint sample = 0; sample < 20; sample++)
        {
            NoiseKey key = Key(0) with { Sample = sample };
            noise.MakeNoisy(key, clean, s_shape, first);
            noise.MakeNoisy(key with { Copy = 1 }, clean, s_shape, second);
            double a = first.Average();
            double b = second.Average();
            correlation += first.Zip(second).Sum(pair => (pair.First - a) * (pair.Second - b));
            square += first.Sum(value => (value - a) * (value - a));
        }

        // Text comes in strokes, so it has fewer independent pixels.
        Assert.Equal(0, correlation / square, name.StartsWith("text", StringComparison.Ordinal) ? 0.05 : 0.02);
        noise.MakeNoisy(Key(0) with { Sample = 19 }, again, s_shape, again);
        Assert.Equal(first, again);
        noise.MakeNoisy(Key(0) with { Sample = 19, Epoch = 9 }, clean, s_shape, second);
        Assert.NotEqual(first, second);
    }

    private static NoiseKey Key(uint copy) => new(new Philox(5, RandomPurpose.TrainingNoise), 2, 3, copy);

    private static float[] Filled(ImageShape shape, float value) => [.. Enumerable.Repeat(value, shape.Elements)];

    private static (double Mean, double Variance, double Fourth) Moments(string name, float clean)
    {
        float[] noisy = new float[s_shape.Elements];
        NoiseModel.Parse(name).MakeNoisy(Key(0), Filled(s_shape, clean), s_shape, noisy);
        double mean = noisy.Average();
        return (mean, noisy.Average(v => Math.Pow(v - mean, 2)), noisy.Average(v => Math.Pow(v - mean, 4)));
    }
}
