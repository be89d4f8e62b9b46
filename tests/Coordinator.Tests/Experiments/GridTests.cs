using Distributed.Coordinator.Experiments;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>A grid is read strictly and gives every combination once.</summary>
public sealed class GridTests
{
    [Fact]
    public void Cells_AreAllCombinations_TheSeedChangesFastest()
    {
        IReadOnlyList<Cell> cells = Grid.Cells(
            [GridAxis.Parse("lr=0.1,0.01"), GridAxis.Parse("nesterov=on,off")], ["--batch", "8"], 2, 7, false);

        Assert.Equal(8, cells.Count);
        Assert.Equal(8, cells.Select(cell => cell.Name).Distinct().Count());
        Assert.Equal("lr=0.1 nesterov=on seed=7", cells[0].Name);
        Assert.Equal(["--batch", "8", "--lr", "0.1", "--nesterov", "--seed", "7"], cells[0].Words);
        Assert.Equal(["--batch", "8", "--lr", "0.01", "--seed", "8"], cells[^1].Words);
        Assert.Equal(4, cells.Select(cell => cell.Group).Distinct().Count());
    }

    [Fact]
    public void Axis_SemicolonsSeparateValuesWithCommas()
    {
        GridAxis axis = GridAxis.Parse("betas=0.9,0.99;0.8,0.9");
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
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => GridAxis.Parse(text));
        Assert.Contains($"--grid {text}", fault.Message, StringComparison.Ordinal);
        Assert.NotEmpty(fault.Remedy);
    }

    [Theory]
    [InlineData("--lr", "1")]
    [InlineData("--run", "x")]
    [InlineData("--threads=2")]
    public void Words_GivenTwiceOrNotForACell_AreRefused(params string[] words) => Assert.Contains(
        words[0].Split('=')[0],
        Assert.Throws<ConfigurationException>(() => Grid.Cells([GridAxis.Parse("lr=1,2")], words, 1, 0, false)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Cells_TooMany_AreRefused() => Assert.Contains(
        "20002",
        Assert.Throws<ConfigurationException>(
            () => Grid.Cells([GridAxis.Parse("lr=1,2")], [], Grid.CellsMax + 1, 0, false)).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("lr=0.1 batch=8", "lr=0.1-batch=8")]
    [InlineData("model=../../etc/x", "model=..-..-etc-x")]
    public void Slug_IsAFolderName(string name, string expected) => Assert.Equal(expected, Cell.Slug(name));

    [Fact]
    public void Slug_OfNothingButDots_IsNoFolderAbove() => Assert.Matches("^-[0-9a-f]{8}$", Cell.Slug(".."));

    [Fact]
    public void Slug_LongNames_StayDifferent()
    {
        string name = new('a', 300);
        Assert.NotEqual(Cell.Slug(name + "b"), Cell.Slug(name + "c"));
        Assert.True(Cell.Slug(name).Length <= 100);
    }
}
