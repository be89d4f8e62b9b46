using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Noise models: what they read, what they do.</summary>
public sealed class NoiseModelTests
{
    private static readonly ImageShape s_shape = new(3, 20, 30);
    private static readonly NoiseKey s_key = new(new Philox(1, RandomPurpose.TrainingNoise), 2, 3, 0);

    [Theory]
    [InlineData("gaussian:25", "gaussian:25")]
    [InlineData("gaussian:2.50", "gaussian:2.5")]
    [InlineData("resample:2", "resample:2")]
    [InlineData("gaussian:0-50", "gaussian:0-50")]
    [InlineData("correlated:25", "correlated:25")]
    [InlineData("correlated:25,1.0", "correlated:25")]
    [InlineData("correlated:0-50,2.5", "correlated:0-50,2.5")]
    [InlineData("poisson:30", "poisson:30")]
    [InlineData("bernoulli:0.50", "bernoulli:0.5")]
    [InlineData("impulse:0.5", "impulse:0.5")]
    [InlineData("text", "text")]
    [InlineData("text:0.25", "text")]
    [InlineData("text:0.1-0.4", "text:0.1-0.4")]
    public void Parse_KnownModels_KeepTheirName(string text, string name) =>
        Assert.Equal(name, NoiseModel.Parse(text).Name);

    [Theory]
    [InlineData("")]
    [InlineData("gaussian")]
    [InlineData("gaussian:")]
    [InlineData("gaussian:0")]
    [InlineData("gaussian:-1")]
    [InlineData("gaussian:1e9")]
    [InlineData("gaussian:NaN")]
    [InlineData("gaussian:25,5")]
    [InlineData("gaussian:99999")]
    [InlineData("resample:1")]
    [InlineData("resample:17")]
    [InlineData("resample:2.5")]
    [InlineData("sepia:3")]
    [InlineData("gaussian:50-50")]
    [InlineData("gaussian:50-25")]
    [InlineData("gaussian:0-0")]
    [InlineData("gaussian:-50")]
    [InlineData("correlated")]
    [InlineData("correlated:0,1")]
    [InlineData("correlated:25,")]
    [InlineData("correlated:25,0.2")]
    [InlineData("correlated:25,9")]
    [InlineData("correlated:25,1,1")]
    [InlineData("poisson:0")]
    [InlineData("poisson")]
    [InlineData("poisson:2e6")]
    [InlineData("bernoulli:1")]
    [InlineData("bernoulli:0")]
    [InlineData("impulse:1.5")]
    [InlineData("impulse:")]
    [InlineData("text:0.95")]
    [InlineData("text:")]
    public void Parse_AnythingElse_NamesArgumentValueAndChoices(string text)
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => NoiseModel.Parse(text));

        Assert.StartsWith($"noise {text}:", fault.Message, StringComparison.Ordinal);
        Assert.Contains("gaussian:25", fault.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void MakeNoisy_Gaussian_AddsScaledNormalNumbers()
    {
        float[] clean = [.. Enumerable.Range(0, s_shape.Elements).Select(i => i / 1800f)];
        float[] noisy = new float[clean.Length];
        float[] normal = new float[clean.Length];
        Gaussian.Fill(s_key.Random, 2, 3, 0, normal);

        NoiseModel.Parse("gaussian:50").MakeNoisy(s_key, clean, s_shape, noisy);

        for (int i = 0; i < noisy.Length; i++)
        {
            Assert.Equal(clean[i] + (50 / 255.0 * normal[i]), noisy[i], tolerance: 1e-6);
        }

        Assert.Contains(noisy, value => value < 0);
        NoiseModel.Parse("gaussian:50").MakeNoisy(s_key, clean, s_shape, clean);
        Assert.Equal(noisy, clean);
    }

    [Fact]
    public void MakeNoisy_Resample_TakesOnePixelOfEachBlock()
    {
        const int Block = 3;
        float[] clean = [.. Enumerable.Range(0, s_shape.Elements * Block * Block).Select(i => (float)i)];
        float[] noisy = new float[s_shape.Elements];
        int[] found = new int[Block * Block];

        NoiseModel.Parse("resample:3").MakeNoisy(s_key, clean, s_shape, noisy);

        for (int pixel = 0; pixel < 600; pixel++)
        {
            int value = (int)noisy[pixel];
            (int y, int x) = (value / 90, value % 90);
            Assert.Equal((pixel / 30, pixel % 30), (y / Block, x / Block));
            found[(y % Block * Block) + (x % Block)]++;
            Assert.Equal(value + 5400, noisy[pixel + 600]);
            Assert.Equal(value + 10800, noisy[pixel + 1200]);
        }

        Assert.All(found, count => Assert.InRange(count, 40, 95));
    }

    [Fact]
    public void MakeClean_Resample_IsTheBlocksMean()
    {
        float[] target = new float[2];
        NoiseModel.Parse("resample:2").MakeClean([1, 2, 10, 20, 3, 4, 30, 40], new ImageShape(1, 1, 2), target);

        Assert.Equal([2.5f, 25f], target);
    }
}
