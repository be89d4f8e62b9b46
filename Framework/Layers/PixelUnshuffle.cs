using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>
/// Makes channels of square blocks of pixels, r the downscale factor:
/// <c>y[c r r + ry r + rx, i, j] = x[c, i r + ry, j r + rx]</c>.
/// </summary>
/// <remarks>
/// Shapes: x [N, C, H r, W r], y [N, C r r, H, W]. Exact: it copies. The inverse of <see cref="PixelShuffle"/>, as
/// torch.nn.PixelUnshuffle.
/// </remarks>
public sealed record PixelUnshuffle : Layer
{
    /// <summary>Makes the layer.</summary>
    /// <param name="downscaleFactor">Side of a block, in pixels.</param>
    /// <exception cref="ConfigurationException">The factor is out of range.</exception>
    public PixelUnshuffle(int downscaleFactor)
    {
        DownscaleFactor = downscaleFactor;
        Check("downscale_factor", downscaleFactor, 1, ExtentMax);
    }

    /// <summary>Side of a block, in pixels.</summary>
    public int DownscaleFactor { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        int r = DownscaleFactor;
        CheckSize(input, path, input.C, input.H, input.W);
        return input.H % r == 0 && input.W % r == 0
            ? new ImageShape(input.C * r * r, input.H / r, input.W / r)
            : throw new ShapeException(
                $"{path} (PixelUnshuffle): height and width of input {input} are not both multiples of {r}.",
                "Use images, or crops, whose sides are multiples of the downscale factor.");
    }

    internal override PixelSpan? Reads(PixelSpan output) =>
        output.Windows(DownscaleFactor, DownscaleFactor, padding: 0);

    internal override double Distance(double distance, ref double largest) => distance * DownscaleFactor;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        builder.Add(new PixelShuffleOperation(input, output, DownscaleFactor, unshuffle: true));
        return output;
    }
}
