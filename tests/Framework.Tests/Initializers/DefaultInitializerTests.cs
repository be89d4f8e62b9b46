using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;

namespace Distributed.Framework.Tests.Initializers;

/// <summary>PyTorch's default: uniform within 1 / sqrt(fan-in), taken from the weight's second dimension.</summary>
public sealed class DefaultInitializerTests
{
    public static TheoryData<Layer, int> Layers { get; } = new()
    {
        { new Conv2d(7, 200, 3), 7 * 9 },
        { new Conv2d(200, 7, 3), 200 * 9 },
        { new ConvTranspose2d(7, 200, 3), 200 * 9 },
        { new ConvTranspose2d(200, 7, 3), 7 * 9 },
        { new Conv2d(150, 150, 1, bias: false), 150 },
    };

    /// <summary>
    /// Tolerances: of n uniform numbers in [-k, k] the mean varies by k / sqrt(3 n), and the variance k^2 / 3 by its
    /// share sqrt(0.8 / n); four of these each.
    /// </summary>
    [Theory]
    [MemberData(nameof(Layers))]
    public void Fill_Weight_IsUniformWithinItsBound(Layer layer, int fanIn)
    {
        Model model = new(new Sequential(layer));
        float[] parameters = new float[model.ParameterCount];
        DefaultInitializer.Fill(model, 5, parameters);
        double bound = 1 / Math.Sqrt(fanIn);
        foreach (ParameterSpec parameter in model.Parameters)
        {
            Assert.Equal(fanIn, parameter.FanIn);
            float[] values = parameters.AsSpan(parameter.Start, parameter.Count).ToArray();
            double n = values.Length;
            Assert.All(values, value => Assert.InRange(value, -bound * 1.0000001, bound * 1.0000001));
            Assert.InRange(values.Average(), -4 * bound / Math.Sqrt(3 * n), 4 * bound / Math.Sqrt(3 * n));
            double variance = values.Average(value => (double)value * value) / (bound * bound / 3);
            Assert.InRange(variance, 1 - (4 * Math.Sqrt(0.8 / n)), 1 + (4 * Math.Sqrt(0.8 / n)));
        }

        Assert.Contains(parameters, value => value > 0.99 * bound);
        Assert.Contains(parameters, value => value < -0.99 * bound);
    }

    [Fact]
    public void Fill_SameSeed_GivesTheSameNumbersAndOtherSeedsOthers()
    {
        float[] first = Fill(seed: 1);
        Assert.Equal(first, Fill(seed: 1));
        float[] other = Fill(seed: 2);
        Assert.InRange(first.Zip(other).Count(pair => pair.First == pair.Second), 0, 10);

        // Layers of the same shape differ as well.
        Model model = new(Catalogue.Find("n2n-final", 3)!);
        ParameterSpec one = model.Parameters.Single(parameter => parameter.Name == "2.0.weight");
        ParameterSpec two = model.Parameters.Single(parameter => parameter.Name == "2.2.weight");
        Assert.NotEqual(first[one.Start..(one.Start + 100)], first[two.Start..(two.Start + 100)]);
    }

    [Fact]
    public void Fill_Parameter_DependsOnItsPlaceAmongTheTensorsAlone()
    {
        float[] few = new float[new Model(new Sequential(new Conv2d(2, 3, 3))).ParameterCount];
        DefaultInitializer.Fill(new Model(new Sequential(new Conv2d(2, 3, 3))), 1, few);
        Model more = new(new Sequential(new Conv2d(2, 3, 3), new ReLU(), new Conv2d(3, 5, 2)));
        float[] many = new float[more.ParameterCount];
        DefaultInitializer.Fill(more, 1, many);
        Assert.Equal(few, many[..few.Length]);
    }

    private static float[] Fill(uint seed)
    {
        Model model = new(Catalogue.Find("n2n-final", 3)!);
        float[] parameters = new float[model.ParameterCount];
        DefaultInitializer.Fill(model, seed, parameters);
        return parameters;
    }
}
