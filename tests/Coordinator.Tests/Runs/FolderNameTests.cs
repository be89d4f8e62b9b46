using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>Any text becomes the name of a folder, and different texts become different names.</summary>
public sealed class FolderNameTests
{
    [Theory]
    [InlineData("lr=0.1 batch=8", "lr=0.1-batch=8")]
    [InlineData("model=../../etc/x", "model=..-..-etc-x")]
    public void Of_AnyText_IsAFolderName(string name, string expected) => Assert.Equal(expected, FolderName.Of(name));

    [Fact]
    public void Of_NothingButDots_IsNoFolderAbove() => Assert.Matches("^-[0-9a-f]{8}$", FolderName.Of(".."));

    [Fact]
    public void Of_LongNames_StayDifferent()
    {
        string name = new('a', 300);
        Assert.NotEqual(FolderName.Of(name + "b"), FolderName.Of(name + "c"));
        Assert.True(FolderName.Of(name).Length <= 100);
    }

    [Theory]
    [InlineData("n2n-final:channels=8", "n2n-final")]
    [InlineData("models/my net.JSON", "my-net")]
    [InlineData("", "model")]
    public void OfModel_NameOrFile_IsItWithoutTheRest(string model, string expected) =>
        Assert.Equal(expected, FolderName.OfModel(model));
}
