using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>One image laid out as inside a network, with memory of its own.</summary>
internal sealed unsafe class Image
{
    private readonly AlignedBuffer _memory;

    /// <summary>An image without a border.</summary>
    public Image(int channels, int side)
        : this(ActivationNode.Create(new ImageShape(channels, side, side)))
    {
    }

    /// <summary>An image whose border is known by now.</summary>
    public Image(ActivationNode node)
    {
        Node = node;
        _memory = Numbers(node.ImageFloats);
    }

    public ActivationNode Node { get; }

    /// <summary>Pixels of a line.</summary>
    public int Side => Node.Shape.W;

    /// <summary>Channels with their padding.</summary>
    public int Floats => Node.Floats;

    /// <summary>Bytes of the pixels, without the border.</summary>
    public double Bytes => (double)Side * Side * Floats * sizeof(float);

    /// <summary>Pixel (0, 0); valid while this object is referenced.</summary>
    public float* Pixels => _memory.Pointer + Node.Start;

    /// <summary>Pixel (0, y).</summary>
    public float* Line(int y) => Pixels + ((nint)y * Node.LineFloats);

    /// <summary>A buffer of numbers from 0.1 to 1, which no sum or product of a benchmark makes subnormal.</summary>
    public static AlignedBuffer Numbers(long length)
    {
        AlignedBuffer buffer = new(length);
        Random random = new(1);
        foreach (ref float value in buffer.Span)
        {
            value = 0.1f + (0.9f * random.NextSingle());
        }

        return buffer;
    }
}
