using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>
/// Makes square blocks of pixels of channels, r the upscale factor:
/// <c>y[c, i r + ry, j r + rx] = x[c r r + ry r + rx, i, j]</c>.
/// </summary>
/// <remarks>
/// Shapes: x [N, C r r, H, W], y [N, C, H r, W r]. Exact: it copies. As torch.nn.PixelShuffle (Shi et al. 2016,
/// "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network").
/// </remarks>
public sealed record PixelShuffle : Layer
{
    /// <summary>Makes the layer.</summary>
    /// <param name="upscaleFactor">Side of a block, in pixels.</param>
    /// <exception cref="ConfigurationException">The factor is out of range.</exception>
    public PixelShuffle(int upscaleFactor)
    {
        UpscaleFactor = upscaleFactor;
        Check("upscale_factor", upscaleFactor, 1, ExtentMax);
    }

    /// <summary>Side of a block, in pixels.</summary>
    public int UpscaleFactor { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        (int c, int rest) = Math.DivRem(input.C, UpscaleFactor * UpscaleFactor);
        return rest == 0
            ? CheckSize(input, path, c, (long)input.H * UpscaleFactor, (long)input.W * UpscaleFactor)
            : throw new ShapeException(
                $"{path} (PixelShuffle): the {input.C} channels of input {input} are no multiple of "
                + $"{UpscaleFactor} x {UpscaleFactor}.",
                "Give the layer before it that many output channels, or a multiple.");
    }

    internal override PixelSpan? Reads(PixelSpan output) =>
        output.TransposedWindows(UpscaleFactor, UpscaleFactor, padding: 0);

    internal override double Distance(double distance, ref double largest) => distance / UpscaleFactor;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        builder.Add(new PixelShuffleOperation(input, output, UpscaleFactor, unshuffle: false));
        return output;
    }
}
