using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>What the two convolutions share: their arguments, their bias and how they enter a plan.</summary>
/// <param name="In">Input channels; at least 1.</param>
/// <param name="Out">Output channels; at least 1.</param>
/// <param name="K">Side of the square kernel, in pixels; at least 1.</param>
/// <param name="Stride">Distance between neighbouring windows, in pixels; at least 1.</param>
/// <param name="Bias">Whether a learned constant is added to each output channel.</param>
public abstract record ConvolutionLayer(int In, int Out, int K, int Stride, bool Bias) : Layer
{
    private protected abstract ConvolutionGeometry Geometry { get; }

    /// <summary>Output pixels of one side; at most 0 if the kernel does not fit.</summary>
    private protected abstract long OutputSide(int inputSide);

    /// <inheritdoc/>
    public sealed override ImageShape OutputShape(ImageShape input, string path)
    {
        long h = OutputSide(input.H);
        long w = OutputSide(input.W);
        if (input.C != In)
        {
            throw new ShapeException(
                $"{path} ({Name}): expected input [N, {In}, H, W], got {input}.",
                "Give the layer as many input channels as the one before it has outputs.");
        }

        if (h > 0 && w > 0 && (Int128)h * w * Out > AlignedBuffer.LengthMax)
        {
            throw new ShapeException(
                $"{path} ({Name}): input {input} gives output [N, {Out}, {h}, {w}], which is too large.",
                "Use smaller images, fewer channels or a smaller stride.");
        }

        if (h < 1 || w < 1)
        {
            throw new ShapeException(
                $"{path} ({Name}): input {input} gives output [N, {Out}, {h}, {w}].",
                "Use larger images, a smaller kernel or more padding.");
        }

        return new ImageShape(Out, (int)h, (int)w);
    }

    /// <remarks>Blocks of outputs that an algorithm may compute together are taken whole.</remarks>
    internal sealed override PixelSpan? Reads(PixelSpan output)
    {
        PixelSpan blocks = Stride == 1 ? output.Widen(PixelSpan.Block) : output;
        return Geometry.Transposed
            ? blocks.TransposedWindows(K, Stride, Geometry.Padding)
            : blocks.Windows(K, Stride, Geometry.Padding);
    }

    internal sealed override double Distance(double distance, ref double largest) =>
        Geometry.Transposed ? distance / Stride : distance * Stride;

    internal sealed override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        int elements = K * K;
        int weight = builder.ParameterStart($"{path}.weight");
        WeightStrides strides = Geometry.Transposed
            ? new WeightStrides(weight, Out: elements, In: Out * elements)
            : new WeightStrides(weight, Out: In * elements, In: elements);
        int bias = Bias ? builder.ParameterStart($"{path}.bias") : -1;
        builder.Add(new ConvolutionOperation(Geometry, input, output, strides, bias, builder.Convolutions));
        return output;
    }

    private protected void CheckArguments(int padding)
    {
        Check(nameof(In), In, 1, ChannelsMax);
        Check(nameof(Out), Out, 1, ChannelsMax);
        Check("kernel", K, 1, ExtentMax);
        Check("stride", Stride, 1, ExtentMax);
        Check("padding", padding, 0, ExtentMax);
    }

    /// <summary>
    /// Weight and bias; PyTorch's default bound comes from the fan-in of the weight's second dimension.
    /// </summary>
    private protected void Collect(ParameterCollector collector, string path, int first, int second)
    {
        long fanIn = (long)second * K * K;
        collector.Add(path, "weight", fanIn, first, second, K, K);
        if (Bias)
        {
            collector.Add(path, "bias", fanIn, Out);
        }
    }
}
