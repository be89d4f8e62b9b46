using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>
/// Maximum over square windows: <c>y[c, i, j] = max over ky, kx of x[c, i S - P + ky, j S - P + kx]</c>.
/// </summary>
/// <remarks>
/// Shapes: x [N, C, H, W], y [N, C, OutH, OutW], OutH = (H + 2 P - K) / S + 1 rounded down. Pixels outside the image
/// take no part. The gradient goes to the first maximum of a window; NaN beats every number. As torch.nn.MaxPool2d.
/// </remarks>
public sealed record MaxPool2d : Layer
{
    /// <summary>Makes the layer.</summary>
    /// <param name="k">Side of the window, in pixels.</param>
    /// <param name="stride">Distance between windows, in pixels; null: as the window is wide.</param>
    /// <param name="padding">Pixels around the image; at most half the window.</param>
    /// <exception cref="ConfigurationException">An argument is out of range.</exception>
    public MaxPool2d(int k, int? stride = null, int padding = 0)
    {
        K = k;
        Stride = stride ?? k;
        Padding = padding;
        Check("kernel_size", k, 1, ExtentMax);
        Check("stride", Stride, 1, ExtentMax);
        Check("padding", padding, 0, k / 2);
    }

    /// <summary>Side of the window, in pixels.</summary>
    public int K { get; }

    /// <summary>Distance between windows, in pixels.</summary>
    public int Stride { get; }

    /// <summary>Pixels around the image.</summary>
    public int Padding { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        int h = OutputSide(input.H);
        int w = OutputSide(input.W);
        return h > 0 && w > 0
            ? CheckSize(input, path, input.C, h, w)
            : throw new ShapeException(
                $"{path} (MaxPool2d): input {input} gives output [N, {input.C}, {h}, {w}].",
                "Use larger images, a smaller window or more padding.");
    }

    internal override PixelSpan? Reads(PixelSpan output) => output.Windows(K, Stride, Padding);

    internal override double Distance(double distance, ref double largest) => distance * Stride;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ImageShape shape = OutputShape(input.Shape, path);
        ActivationNode output = builder.CreateNodeLike(input, shape.H, shape.W);
        builder.Add(new MaxPoolOperation(input, output, builder.CreateMemory(output), K, Stride, Padding));
        return output;
    }

    private int OutputSide(int inputSide)
    {
        long room = inputSide + (2L * Padding) - K;
        return room < 0 ? 0 : (int)(room / Stride) + 1;
    }
}
