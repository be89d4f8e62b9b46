using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
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
    [InlineData("n2n-depth", 3, 20259)]
    [InlineData("n2n-depth:layers=4", 3, 20259)]
    [InlineData("n2n-depth:layers=6", 3, 20533)]
    [InlineData("n2n-depth:layers=8", 3, 20729)]
    [InlineData("n2n-depth:layers=10", 3, 20131)]
    [InlineData("n2n-depth:layers=12", 3, 20253)]
    [InlineData("n2n-depth:layers=12,norm=none", 3, 20253)]
    [InlineData("n2n-depth:layers=12,norm=batch", 3, 20577)]
    [InlineData("n2n-8", 3, 57251)]
    public void Find_ByName_HasAsManyParametersAndKeepsTheShape(string specification, int channels, int parameters)
    {
        Model model = new(Catalogue.Find(specification, channels)!);
        ImageShape images = new(channels, 17, 9);
        Assert.Equal(parameters, model.ParameterCount);
        Assert.Equal(parameters, model.Parameters.Sum(parameter => parameter.Count));
        Assert.Equal(images, model.OutputShape(images));
    }

    /// <summary>Networks that halve their images, on images that can be halved.</summary>
    [Theory]
    [InlineData("n2n-course", 3, 20259)]
    [InlineData("n2n-course:channels=96,activation=elu,upsampling=transposed", 3, 171363)]
    [InlineData("n2n-transposed", 3, 171363)]
    [InlineData("n2n-transposed:channels=256,activation=relu", 3, 1194243)]
    [InlineData("n2n-unet", 3, 991203)]
    [InlineData("n2n-unet:channels=8", 1, 54209)]
    public void Find_ByName_HasAsManyParametersAndKeepsTheShapeOfMultiples(
        string specification, int channels, int parameters)
    {
        Model model = new(Catalogue.Find(specification, channels)!);
        ImageShape images = new(channels, 64, 32);
        Assert.Equal(parameters, model.ParameterCount);
        Assert.Equal(images, model.OutputShape(images));
    }

    [Fact]
    public void Find_Perceptron_TakesPointsOfThePlane()
    {
        Model model = new(Catalogue.Find("mlp-disc:activation=leaky-relu", 2)!);
        Assert.Equal(1427, model.ParameterCount);
        Assert.Equal(new ImageShape(2, 1, 1), model.OutputShape(new ImageShape(2, 1, 1)));
        Assert.Equal(new LeakyReLU(0.05), model.Root.Layers[1]);
        Assert.Throws<ShapeException>(() => model.OutputShape(new ImageShape(2, 8, 8)));
    }

    [Theory]
    [InlineData("n2n-course:activation=gelu", "activation=gelu", "relu|elu|selu|leaky-relu|tanh")]
    [InlineData("n2n-course:channels=8,upsampling=bilinear", "upsampling=bilinear", "nearest|transposed")]
    [InlineData("n2n-course:channels=8,channels=9", "channels=9", "channels=N")]
    [InlineData("n2n-depth:layers=5", "layers=5", "layers=4|6|8|10|12")]
    [InlineData("mlp-disc:slope=1", "slope=1", "hidden=N")]
    public void Find_OverrideOutOfRange_NamesItAndWhatIsAllowed(string specification, string setting, string allowed)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => Catalogue.Find(specification, 3));
        Assert.Contains($"'{setting}'", exception.Message, StringComparison.Ordinal);
        Assert.Contains(allowed, exception.Remedy, StringComparison.Ordinal);
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
    public void DefaultShard_AnyModel_IsSmall()
    {
        Assert.All(Catalogue.Names, name => Assert.InRange(Catalogue.DefaultShard(name), 1, 25));
        Assert.Equal(Catalogue.DefaultShard("n2n-final"), Catalogue.DefaultShard("n2n-final:channels=8"));
        Assert.InRange(Catalogue.DefaultShard("model.json"), 1, 8);
    }
}
