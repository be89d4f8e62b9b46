using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>Nearest-neighbour upsampling: every pixel becomes a block of Scale x Scale copies.</summary>
/// <remarks>Shapes: x [N, C, H, W], y [N, C, H Scale, W Scale]. As torch.nn.UpsamplingNearest2d.</remarks>
public sealed record NearestUpsample2d : Layer
{
    /// <summary>Makes the layer.</summary>
    /// <param name="scale">Side of a block, in pixels.</param>
    /// <exception cref="Errors.ConfigurationException">The scale is out of range.</exception>
    public NearestUpsample2d(int scale = 2)
    {
        Scale = scale;
        Check("scale_factor", scale, 1, ExtentMax);
    }

    /// <summary>Side of a block, in pixels.</summary>
    public int Scale { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) =>
        CheckSize(input, path, input.C, (long)input.H * Scale, (long)input.W * Scale);

    internal override PixelSpan? Reads(PixelSpan output) => output.TransposedWindows(Scale, Scale, padding: 0);

    internal override double Distance(double distance, ref double largest) => distance / Scale;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ImageShape shape = OutputShape(input.Shape, path);
        ActivationNode output = builder.CreateNodeLike(input, shape.H, shape.W);
        builder.Add(new UpsampleOperation(input, output, Scale));
        return output;
    }
}
