using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>A residual block: <c>y = x + inner(x)</c>.</summary>
/// <remarks>Shapes: x, inner(x) and y are all [N, C, H, W].</remarks>
/// <param name="Inner">What is added to the input.</param>
public sealed record Residual(Sequential Inner) : Layer
{
    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        ImageShape inner = Inner.OutputShape(input, path);
        return inner == input
            ? input
            : throw new ShapeException(
                $"{path} (Residual): cannot add input {input} and inner result {inner}.",
                "Choose channels, strides and paddings inside that give back the input's shape.");
    }

    internal override void CollectParameters(ParameterCollector collector, string path) =>
        Inner.CollectParameters(collector, path);

    internal override PixelSpan? Reads(PixelSpan output) => Inner.Reads(output)?.Union(output);

    internal override double Distance(double distance, ref double largest) => Inner.Distance(distance, ref largest);

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        // Added below, hence read from here on: what follows must not be fused into what computes it.
        input.IsRead = true;
        return builder.Sum(input, Inner.Build(builder, input, path));
    }
}
