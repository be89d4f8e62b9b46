using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Experiments;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>A grid is read strictly and gives every combination once.</summary>
public sealed class GridTests
{
    [Fact]
    public void Trials_AreAllCombinations_TheSeedChangesFastest()
    {
        IReadOnlyList<Trial> trials = Grid.Trials(
            [Parse("lr=0.1,0.01"), Parse("nesterov=on,off")], ["--batch", "8"], 2, 7, false);

        Assert.Equal(8, trials.Count);
        Assert.Equal(8, trials.Select(trial => trial.Name).Distinct().Count());
        Assert.Equal("lr=0.1 nesterov=on seed=7", trials[0].Name);
        Assert.Equal(["--batch", "8", "--lr", "0.1", "--nesterov", "--seed", "7"], trials[0].Arguments);
        Assert.Equal(["--batch", "8", "--lr", "0.01", "--seed", "8"], trials[^1].Arguments);
        Assert.Equal(4, trials.Select(trial => trial.Configuration).Distinct().Count());
    }

    [Fact]
    public void Axis_SemicolonsSeparateValuesWithCommas()
    {
        GridAxis axis = Parse("betas=0.9,0.99;0.8,0.9");
        Assert.Equal(["0.9,0.99", "0.8,0.9"], axis.Values);
        Assert.Equal("0.8,0.9", axis.ValueIn(["--lr", "1", "--betas", "0.8,0.9"]));
    }

    [Theory]
    [InlineData("lr")]
    [InlineData("learning-rate=1")]
    [InlineData("lr=")]
    [InlineData("lr=1,,2")]
    [InlineData("lr=1,1")]
    [InlineData("nesterov=yes")]
    [InlineData("run=a,b")]
    [InlineData("workers=1,2")]
    [InlineData("resume=on")]
    [InlineData("seed=1,2")]
    public void Axis_Bad_IsRefusedByItsText(string text)
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Parse(text));
        Assert.Contains($"--grid {text}", fault.CommandLine.Cause, StringComparison.Ordinal);
        Assert.NotEmpty(fault.Remedy);
    }

    [Theory]
    [InlineData("--lr", "1")]
    [InlineData("--run", "x")]
    [InlineData("--threads=2")]
    public void Words_GivenTwiceOrNotForATrial_AreRefused(params string[] arguments) => Assert.Contains(
        arguments[0].Split('=')[0],
        Assert.Throws<ConfigurationException>(() => Grid.Trials([Parse("lr=1,2")], arguments, 1, 0, false))
            .CommandLine.Cause,
        StringComparison.Ordinal);

    [Fact]
    public void Trials_TooMany_AreRefused() => Assert.Contains(
        "20002",
        Assert.Throws<ConfigurationException>(
            () => Grid.Trials([Parse("lr=1,2")], [], Grid.TrialsMax + 1, 0, false)).Message,
        StringComparison.Ordinal);

    private static GridAxis Parse(string text) => GridAxis.Parse(text, TrainLine.FindOption);
}
