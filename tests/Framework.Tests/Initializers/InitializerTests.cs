using Distributed.Framework.Errors;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;

namespace Distributed.Framework.Tests.Initializers;

/// <summary>Schemes by their mean, variance, bounds and shape, on layers of some ten thousand weights.</summary>
/// <remarks>
/// Tolerances: of n numbers of deviation s the mean varies by s / sqrt(n), and the variance by its share sqrt(2 / n)
/// for normal and sqrt(0.8 / n) for uniform numbers; four of these each. The largest distance between two empirical
/// distributions of n numbers passes 2 sqrt(2 / n) once in 1500 (Kolmogorov, Smirnov).
/// </remarks>
public sealed class InitializerTests
{
    private const int Fan = 40 * 9;
    private const int Other = 60 * 9;

    /// <summary>Scheme, whether an activation follows, and the deviation of weights and of biases.</summary>
    public static TheoryData<string, bool, double, double> Cases { get; } = new()
    {
        { "normal:0.02", true, 0.02, 0.02 },
        { "xavier-normal", true, Math.Sqrt(2) * Math.Sqrt(2.0 / (Fan + Other)), Math.Sqrt(4.0 / (Fan + Other)) },
        { "xavier-normal", false, Math.Sqrt(2.0 / (Fan + Other)), Math.Sqrt(2.0 / (Fan + Other)) },
        { "xavier-normal:0.5", false, 0.5 * Math.Sqrt(2.0 / (Fan + Other)), 0.5 * Math.Sqrt(2.0 / (Fan + Other)) },
        { "xavier-uniform", true, Math.Sqrt(2) * Math.Sqrt(2.0 / (Fan + Other)), Math.Sqrt(4.0 / (Fan + Other)) },
        { "xavier-uniform", false, Math.Sqrt(2.0 / (Fan + Other)), Math.Sqrt(2.0 / (Fan + Other)) },
        { "seed004", true, Math.Sqrt(2) * Math.Sqrt(2.0 / (Fan + Other)), Math.Sqrt(4.0 / (Fan + Other)) },
        { "seed004", false, 1, 1 },
        { "kaiming-normal", true, Math.Sqrt(2.0 / Fan), 0 },
        { "kaiming-normal", false, Math.Sqrt(1.0 / Fan), 0 },
        { "kaiming-uniform", true, Math.Sqrt(2.0 / Fan), 0 },
        { "zero", true, 0, 0 },
        { "default", true, 1 / Math.Sqrt(3.0 * Fan), 1 / Math.Sqrt(3.0 * Fan) },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fill_Scheme_HasItsMeanAndDeviation(string scheme, bool isFollowed, double weight, double bias)
    {
        Layer[] layers = isFollowed ? [new Conv2d(40, 60, 3), new ReLU()] : [new Conv2d(40, 60, 3)];
        (float[] weights, float[] biases) = Fill(scheme, layers, seed: 1);
        bool isUniform = scheme is "default" || scheme.Contains("uniform", StringComparison.Ordinal);
        Check(weights, weight, isUniform);
        Check(biases, bias, isUniform);
    }

    [Fact]
    public void Fill_TransposedConvolution_CountsFansAsPyTorch()
    {
        (float[] weights, _) = Fill("kaiming-normal", [new ConvTranspose2d(60, 40, 3)], seed: 1);
        Check(weights, Math.Sqrt(1.0 / Fan), isUniform: false);
    }

    /// <summary>Two seeds come from one distribution, two schemes of one deviation do not.</summary>
    [Fact]
    public void Fill_TwoSamples_CompareAsTheyShould()
    {
        Layer[] layers = [new Conv2d(40, 60, 3), new ReLU()];
        (float[] first, _) = Fill("kaiming-normal", layers, seed: 1);
        (float[] second, _) = Fill("kaiming-normal", layers, seed: 2);
        (float[] uniform, _) = Fill("kaiming-uniform", layers, seed: 3);
        double allowed = 2 * Math.Sqrt(2.0 / first.Length);
        Assert.InRange(Distance(first, second), 0, allowed);
        Assert.InRange(Distance(first, uniform), 1.2 * allowed, 1);
    }

    [Fact]
    public void Followers_AreTheActivationsBehindEachLayer()
    {
        Model model = new(new Sequential(
            new Conv2d(3, 4, 3),
            new Conv2d(4, 4, 3, bias: false),
            new Sigmoid(),
            new SkipConcat(new Sequential(new Conv2d(4, 4, 3, padding: 1), new ReLU())),
            new Conv2d(8, 1, 1)));
        Assert.Equal(
            [null, null, "Sigmoid", "ReLU", "ReLU", null, null],
            model.Parameters.Select(parameter => parameter.Follower?.GetType().Name));
    }

    [Theory]
    [InlineData("he")]
    [InlineData("")]
    [InlineData("normal")]
    [InlineData("normal:0")]
    [InlineData("normal:-1")]
    [InlineData("zero:1")]
    [InlineData("seed004:1")]
    [InlineData("xavier-normal:x")]
    [InlineData("kaiming-uniform:2")]
    public void Parse_SomethingElse_IsRefusedByName(string scheme)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Initializer.Parse(scheme));
        Assert.Contains($"init-scheme {scheme}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("kaiming-uniform", exception.Message, StringComparison.Ordinal);
    }

    private static (float[] Weights, float[] Biases) Fill(string scheme, Layer[] layers, uint seed)
    {
        Model model = new(new Sequential(layers));
        float[] parameters = new float[model.ParameterCount];
        Initializer.Parse(scheme).Fill(model, seed, parameters);
        int weights = model.Parameters[0].Count;
        return (parameters[..weights], parameters[weights..]);
    }

    private static void Check(float[] values, double deviation, bool isUniform)
    {
        double n = values.Length;
        double meanMax = 4 * deviation / Math.Sqrt(n);
        Assert.InRange(values.Average(value => (double)value), -meanMax, meanMax);
        double variance = values.Average(value => (double)value * value);
        double share = 4 * Math.Sqrt((isUniform ? 0.8 : 2) / n);
        double square = deviation * deviation;
        Assert.InRange(variance, square * (1 - share), square * (1 + share));
        double largest = values.Max(Math.Abs);
        double bound = isUniform ? Math.Sqrt(3) * deviation : 6.5 * deviation;
        Assert.InRange(largest, isUniform ? 0.8 * bound : 0, bound * 1.000001);
    }

    /// <summary>The largest distance between two empirical distributions.</summary>
    private static double Distance(float[] first, float[] second)
    {
        float[] a = [.. first.Order()];
        float[] b = [.. second.Order()];
        double largest = 0;
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            _ = a[i] <= b[j] ? i++ : j++;
            largest = Math.Max(largest, Math.Abs(((double)i / a.Length) - ((double)j / b.Length)));
        }

        return largest;
    }
}
