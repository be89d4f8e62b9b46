using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Models;

/// <summary>Models that do not fit their images are refused when compiled, by path and with both shapes.</summary>
public sealed class ShapeErrorTests
{
    [Fact]
    public void Compile_WrongChannels_NamesPathAndBothShapes() => AssertRefused(
        new Sequential(new ReLU(), new Sequential(new Conv2d(3, 8, 3))),
        new ImageShape(1, 9, 10),
        "1.0 (Conv2d)",
        "[N, 3, H, W]",
        "[N, 1, 9, 10]");

    [Fact]
    public void Compile_KernelLargerThanImage_NamesPathAndBothShapes()
    {
        AssertRefused(
            new Sequential(new Conv2d(1, 2, 5)),
            new ImageShape(1, 4, 10),
            "0 (Conv2d)",
            "[N, 1, 4, 10]",
            "[N, 2, 0, 6]");
        AssertRefused(
            new Sequential(new ConvTranspose2d(1, 2, 1, padding: 3)),
            new ImageShape(1, 4, 10),
            "0 (ConvTranspose2d)",
            "[N, 1, 4, 10]",
            "[N, 2, -2, 4]");
    }

    [Fact]
    public void Compile_JoinOfDifferentSizes_NamesPathAndBothShapes() => AssertRefused(
        new Sequential(new ReLU(), new SkipConcat(new Sequential(new Conv2d(3, 8, 3)))),
        new ImageShape(3, 9, 10),
        "1 (SkipConcat)",
        "[N, 3, 9, 10]",
        "[N, 8, 7, 8]");

    [Fact]
    public void Compile_OtherLayersThatDoNotFit_NameThePathAndBothShapes()
    {
        ImageShape images = new(3, 9, 10);
        AssertRefused(
            new Sequential(new ReLU(), new Linear(3, 4)), images, "1 (Linear)", "[N, 3, 1, 1]", "[N, 3, 9, 10]");
        AssertRefused(
            new Sequential(new Flatten(), new Linear(3, 4)), images, "1 (Linear)", "[N, 3, 1, 1]", "[N, 270, 1, 1]");
        AssertRefused(
            new Sequential(new BatchNorm2d(4)), images, "0 (BatchNorm2d)", "[N, 4, H, W]", "[N, 3, 9, 10]");
        AssertRefused(
            new Sequential(new MaxPool2d(11)), images, "0 (MaxPool2d)", "[N, 3, 9, 10]", "[N, 3, 0, 0]");
        AssertRefused(new Sequential(new PixelUnshuffle(2)), images, "0 (PixelUnshuffle)", "[N, 3, 9, 10]", "of 2");
        AssertRefused(new Sequential(new PixelShuffle(2)), images, "0 (PixelShuffle)", "[N, 3, 9, 10]", "2 x 2");
        AssertRefused(
            new Sequential(new Residual(new Sequential(new Conv2d(3, 4, 1)))),
            images,
            "0 (Residual)",
            "[N, 3, 9, 10]",
            "[N, 4, 9, 10]");
        AssertRefused(
            new Sequential(new SkipConcat(new Sequential(new MaxPool2d(2), new NearestUpsample2d(2)))),
            images,
            "0 (SkipConcat)",
            "[N, 3, 9, 10]",
            "[N, 3, 8, 10]");
        Layer[] upsamplings = [.. Enumerable.Repeat<Layer>(new NearestUpsample2d(256), 5)];
        AssertRefused(new Sequential(upsamplings), images, "1 (NearestUpsample2d)", "too large");
    }

    [Fact]
    public void Compile_EmptyImage_IsRefused()
    {
        AssertRefused(new Sequential(new ReLU()), new ImageShape(3, 0, 10), "[N, 3, 0, 10]");
        AssertRefused(new Sequential(new ReLU()), new ImageShape(-3, 1, -10), "[N, -3, 1, -10]");
    }

    /// <summary>Nothing but a message may come of sizes whose products exceed an int.</summary>
    [Fact]
    public void Compile_SizesBeyondMemory_AreRefused()
    {
        AssertRefused(new Sequential(new ReLU()), new ImageShape(1, 65536, 65536), "[N, 1, 65536, 65536]", "too large");
        AssertRefused(new Sequential(new ReLU()), new ImageShape(1, 1, int.MaxValue), "2147483647]", "too large");

        // One channel takes the memory of sixteen.
        AssertRefused(new Sequential(new ReLU()), new ImageShape(1, 16384, 16384), "[N, 1, 16384, 16384]", "too large");
        AssertRefused(
            new Sequential(new ConvTranspose2d(1, 1, 1, stride: 250), new ConvTranspose2d(1, 1, 1, stride: 250)),
            new ImageShape(1, 100, 100),
            "too large");

        // 16384 x 1 channels of 100 x 100 kernel elements take the room of 16384 x 16.
        AssertRefused(new Sequential(new Conv2d(16384, 1, 100)), new ImageShape(16384, 100, 100), "too large");

        Plan(new Sequential(new ReLU()), new ImageShape(1, 8192, 8192), 1);
        ShapeException exception = Assert.Throws<ShapeException>(
            () => Plan(new Sequential(new ReLU()), new ImageShape(1, 8192, 8192), 3));
        Assert.Contains("too large", exception.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 20000)]
    public async Task Compile_LargestStride_TakesNoTime() => await Task.Run(() =>
    {
        const int stride = 256;
        Plan(new Sequential(new Conv2d(1, 1, 3, stride, padding: 1)), new ImageShape(1, 5, 2000), 1);
        Plan(new Sequential(new ConvTranspose2d(1, 1, 1, stride)), new ImageShape(1, 1, 1), 1);
    });

    private static void AssertRefused(Sequential layers, ImageShape input, params string[] contained)
    {
        ShapeException exception = Assert.Throws<ShapeException>(() => Plan(layers, input, 1));
        Assert.All(contained, text => Assert.Contains(text, exception.Message, StringComparison.Ordinal));
        Assert.NotEmpty(exception.Remedy);
    }

    private static void Plan(Sequential layers, ImageShape input, int imagesPerPass) =>
        new Model(layers).Compile(input, inputGradient: true, imagesPerPass);
}
