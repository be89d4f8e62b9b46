using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Metrics;

/// <summary>SSIM against its definition, window by window, as another program computed it in float64.</summary>
public sealed class SsimTests
{
    [Fact]
    public void Measure_MadeUpImages_MatchesTheDefinition()
    {
        Assert.Equal(-0.11796260228800932, Measure(new(3, 13, 17), Image(663, 37), Image(663, 38)), 1e-9);
        Assert.Equal(-0.1580869786987437, Measure(new(1, 11, 11), Image(121, 7), Image(121, 29)), 1e-9);
        float[] image = Image(264, 3);
        float[] flatter = [.. image.Select(value => (value * 0.5f) + 0.25f)];
        Assert.Equal(0.7995846273424956, Measure(new(2, 12, 11), image, flatter), 1e-9);
    }

    [Fact]
    public void Measure_EqualImages_IsOne_AndNaNShows()
    {
        ImageShape shape = new(3, 20, 15);
        float[] image = Image(shape.Elements, 37);
        Assert.Equal(1, Measure(shape, image, image), 1e-12);
        image[400] = float.NaN;
        Assert.True(double.IsNaN(Measure(shape, image, Image(shape.Elements, 37))));
    }

    [Fact]
    public void Constructor_SmallerThanTheWindow_SaysWhatIsAllowed()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => new Ssim(new ImageShape(3, 10, 32)));
        Assert.Contains("11 x 11", exception.Message, StringComparison.Ordinal);
    }

    private static double Measure(ImageShape shape, float[] first, float[] second) =>
        new Ssim(shape).Measure(first, second);

    private static float[] Image(int elements, int factor) =>
        [.. Enumerable.Range(0, elements).Select(i => i * factor % 101 / 101f)];
}
