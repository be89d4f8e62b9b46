using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>A skip connection: <c>y = concat(x, inner(x))</c> over the channels.</summary>
/// <remarks>Shapes: x [N, C, H, W], inner(x) [N, D, H, W], y [N, C + D, H, W]. Copies nothing.</remarks>
/// <param name="Inner">What the copy of the input skips.</param>
public sealed record SkipConcat(Sequential Inner) : Layer
{
    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        ImageShape inner = Inner.OutputShape(input, path);
        if (inner.H != input.H || inner.W != input.W)
        {
            throw new ShapeException(
                $"{path} (SkipConcat): cannot join input {input} and inner result {inner}.",
                "Choose strides and paddings inside that give back the input's height and width.");
        }

        long c = (long)input.C + inner.C;
        return (Int128)c * input.H * input.W <= AlignedBuffer.LengthMax
            ? input with { C = (int)c }
            : throw new ShapeException(
                $"{path} (SkipConcat): input {input} gives output [N, {c}, {input.H}, {input.W}], which is too large.",
                "Use smaller images or fewer channels.");
    }

    internal override void CollectParameters(ParameterCollector collector, string path) =>
        Inner.CollectParameters(collector, path);

    internal override PixelSpan? Reads(PixelSpan output) => Inner.Reads(output)?.Union(output);

    internal override double Distance(double distance, ref double largest) => Inner.Distance(distance, ref largest);

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        // Joined below, hence read from here on: what follows must not be fused into what computes it.
        input.IsRead = true;
        return builder.Concatenate(input, Inner.Build(builder, input, path));
    }
}
