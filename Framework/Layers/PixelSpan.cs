namespace Distributed.Framework.Layers;

/// <summary>The lines, or columns, First to End - 1 of an image; may reach beyond it.</summary>
internal readonly record struct PixelSpan(int First, int End)
{
    /// <summary>Side of the blocks that convolutions compute at once: in bits, their outputs belong together.</summary>
    public const int Block = 4;

    /// <summary>The least span that has both.</summary>
    public PixelSpan Union(PixelSpan other) => new(Math.Min(First, other.First), Math.Max(End, other.End));

    /// <summary>The least span around this one between multiples of a number.</summary>
    public PixelSpan Widen(int multiple) =>
        new(FloorDivide(First, multiple) * multiple, -FloorDivide(-End, multiple) * multiple);

    /// <summary>What windows read whose outputs are this span: window o begins at o stride - padding.</summary>
    public PixelSpan Windows(int k, int stride, int padding) =>
        new((First * stride) - padding, ((End - 1) * stride) - padding + k);

    /// <summary>
    /// The inputs that go to this span, where input i goes to i stride - padding and the k - 1 after it.
    /// </summary>
    public PixelSpan TransposedWindows(int k, int stride, int padding) =>
        new(-FloorDivide(-(First + padding - k + 1), stride), FloorDivide(End - 1 + padding, stride) + 1);

    private static int FloorDivide(int value, int divisor) => (int)Math.Floor((double)value / divisor);
}
