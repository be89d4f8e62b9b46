using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Tensors;

public sealed class TensorTests
{
    [Fact]
    public void Index_IsRowMajor_AndViewsShareMemory()
    {
        Tensor tensor = new(2, 3, 4);
        tensor[1, 2, 3] = 5;
        Assert.Equal(5, tensor.Span[23]);
        tensor.Sample(1)[0, 1] = 7;
        Assert.Equal(7, tensor[1, 0, 1]);
        tensor.Reshape(24)[13] = 8;
        Assert.Equal(8, tensor[1, 0, 1]);
        Assert.Equal([3, 4], tensor.Sample(0).Shape);
        Tensor copy = tensor.Clone();
        copy[1, 0, 1] = 9;
        Assert.Equal(8, tensor[1, 0, 1]);
    }

    [Fact]
    public void Number_HasNoDimension() => Assert.Equal(0, new Tensor()[[]]);

    [Theory]
    [InlineData(2, 3, 5)]
    [InlineData(-1, 3, 4)]
    [InlineData(0, 1, 1)]
    [InlineData(1 << 20, 1 << 20, 1 << 20)]
    public void Shape_ThatDoesNotFit_IsRefused(int a, int b, int c)
    {
        ShapeException fault = Assert.Throws<ShapeException>(() => new Tensor(new float[24], a, b, c));
        Assert.Contains($"{a}, {b}, {c}", fault.Message);
    }

    [Fact]
    public void Index_Outside_IsRefused()
    {
        Tensor tensor = new(2, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[0, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[-1, 0]);
        Assert.Throws<ArgumentException>(() => tensor[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Sample(2));
    }
}
