using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Models;

public sealed class CatalogueTests
{
    [Theory]
    [InlineData("n2n-initial", 3, 20259)]
    [InlineData("n2n-final", 3, 188403)]
    [InlineData("n2n-initial", 1, 19105)]
    [InlineData("n2n-initial:channels=1", 1, 40)]
    [InlineData("n2n-final:channels=8", 3, 1827)]
    public void Find_ByName_HasAsManyParametersAndKeepsTheShape(string specification, int channels, int parameters)
    {
        Model model = new(Catalogue.Find(specification, channels)!);
        ImageShape images = new(channels, 17, 9);
        Assert.Equal(parameters, model.ParameterCount);
        Assert.Equal(parameters, model.Parameters.Sum(parameter => parameter.Count));
        Assert.Equal(images, model.OutputShape(images));
    }

    [Fact]
    public void Parameters_OfTheSkipNetwork_HaveTheReferenceNamesAndShapes()
    {
        Model model = new(Catalogue.Find("n2n-final", 3)!);
        Assert.Equal(
            [
                "0.weight 100,3,3,3", "0.bias 100", "2.0.weight 100,100,3,3", "2.0.bias 100", "2.2.weight 100,100,3,3",
                "2.2.bias 100", "3.weight 200,3,3,3", "3.bias 3",
            ],
            model.Parameters.Select(parameter => $"{parameter.Name} {string.Join(',', parameter.Shape)}"));
    }

    [Theory]
    [InlineData("n2n-initial:")]
    [InlineData("n2n-initial:channels")]
    [InlineData("n2n-initial:channels=")]
    [InlineData("n2n-initial:channels=0")]
    [InlineData("n2n-initial:channels=-1")]
    [InlineData("n2n-initial:channels=4097")]
    [InlineData("n2n-initial:channels=99999999999")]
    [InlineData("n2n-initial:channels=6 4")]
    [InlineData("n2n-initial:depth=3")]
    [InlineData("n2n-initial:channels=64,depth=3")]
    public void Find_WrongOverride_SaysWhichIsAllowed(string specification)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => Catalogue.Find(specification, 3));
        Assert.Contains(specification, exception.Message, StringComparison.Ordinal);
        Assert.Contains("channels=N", exception.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("N2N-initial")]
    [InlineData("")]
    public void Find_UnknownName_GivesNull(string specification) => Assert.Null(Catalogue.Find(specification, 3));

    [Fact]
    public void DefaultLeaf_AnyModel_IsSmall()
    {
        Assert.All(Catalogue.Names, name => Assert.InRange(Catalogue.DefaultLeaf(name), 1, 8));
        Assert.Equal(Catalogue.DefaultLeaf("n2n-final"), Catalogue.DefaultLeaf("n2n-final:channels=8"));
        Assert.InRange(Catalogue.DefaultLeaf("model.json"), 1, 8);
    }
}
