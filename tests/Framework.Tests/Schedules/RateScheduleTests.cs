using Distributed.Framework.Errors;
using Distributed.Framework.Schedules;

namespace Distributed.Framework.Tests.Schedules;

/// <summary>Schedules against their definitions, step by step.</summary>
public sealed class RateScheduleTests
{
    private const int Steps = 200;
    private const int StepsPerEpoch = 7;

    [Fact]
    public void Factors_FollowTheirDefinitions()
    {
        for (int step = 0; step < Steps; step++)
        {
            double s = step;
            Check(1, null);
            Check(1, "constant");
            Check(Math.Pow(0.5, step / 30), "step:30:0.5");
            Check(Math.Pow(0.1, step / 14), "step:2e:0.1");
            double cosine = (1 + Math.Cos(Math.PI * s / Steps)) / 2;
            Check(cosine, "cosine");
            Check(cosine, "cosine:200");
            Check(cosine, "cosine:29e");
            Check(cosine * Math.Pow(0.25, 0.25), "cosine:50");
            double t = Math.Max(0, (s - (0.7 * Steps)) / (0.3 * Steps));
            Check(Math.Pow((1 + Math.Cos(Math.PI * t)) / 2, 2), "rampdown");
            Check(Math.Pow((1 + Math.Cos(Math.PI * t)) / 2, 2), "rampdown:0.3");

            void Check(double expected, string? text)
            {
                Assert.Equal(expected, Create(text).Factor(step), 1e-14);
                double warm = expected * Math.Min(1, (s + 1) / 20);
                Assert.Equal(warm, Create(text, warmup: 20).Factor(step), 1e-14);
            }
        }
    }

    [Theory]
    [InlineData("constant", false)]
    [InlineData("step:10:0.5", false)]
    [InlineData("cosine", true)]
    [InlineData("cosine:50", true)]
    [InlineData("rampdown:0.5", true)]
    public void DependsOnLength_IsTrueWhereFactorsDiffer(string text, bool depends)
    {
        RateSchedule longer = RateSchedule.Create(text, 5, 2 * Steps, StepsPerEpoch);
        bool differs = Enumerable.Range(0, Steps).Any(step => longer.Factor(step) != Create(text, 5).Factor(step));
        Assert.Equal(depends, differs);
        Assert.Equal(depends, Create(text).DependsOnLength);
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("")]
    [InlineData("constant:1")]
    [InlineData("step")]
    [InlineData("step:0:0.5")]
    [InlineData("step:10:0")]
    [InlineData("step:10:1.5")]
    [InlineData("step:-1:0.5")]
    [InlineData("step:e:0.5")]
    [InlineData("cosine:0")]
    [InlineData("cosine:0.5")]
    [InlineData("rampdown:0")]
    [InlineData("rampdown:1.1")]
    [InlineData("rampdown:x")]
    public void Create_SomethingElse_IsRefusedByName(string text)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Create(text));
        Assert.Contains($"schedule {text}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("rampdown:FRACTION", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_NegativeWarmup_IsRefused() =>
        Assert.Contains("warmup -1", Assert.Throws<ConfigurationException>(
            () => Create("cosine", -1)).Message, StringComparison.Ordinal);

    private static RateSchedule Create(string? text, int warmup = 0) =>
        RateSchedule.Create(text, warmup, Steps, StepsPerEpoch);
}
