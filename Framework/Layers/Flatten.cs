using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>Makes a vector of each image: element (c, y, x) becomes feature (c H + y) W + x, as in PyTorch.</summary>
/// <remarks>Shapes: x [N, C, H, W], y [N, C H W, 1, 1].</remarks>
public sealed record Flatten : Layer
{
    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) =>
        new(CheckSize(input, path, input.C, input.H, input.W).Elements, 1, 1);

    internal override PixelSpan? Reads(PixelSpan output) => null;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        if (input.Shape is { H: 1, W: 1 })
        {
            return input;
        }

        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        builder.Add(new ChannelCopyOperation(input, output, flatten: true));
        return output;
    }
}
