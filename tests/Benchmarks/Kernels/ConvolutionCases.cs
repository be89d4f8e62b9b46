using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Convolutions by their definition and through few channels: outputs, and gradients of the weights.</summary>
internal static unsafe class ConvolutionCases
{
    private const int DiscWidth = 25;

    private static readonly ConvolutionGeometry s_plain = new(K: 3, Stride: 1, Padding: 1, Transposed: false);
    private static readonly ConvolutionGeometry s_strided = s_plain with { Stride = 2 };
    private static readonly ConvolutionGeometry s_transposed = s_strided with { Transposed = true };

    private static readonly Size[] s_sizes =
    [
        new("direct 3x3", ConvolutionAlgorithm.Direct, s_plain, new(32, 32, 32), new(32, 32, 32)),
        new("direct 3x3", ConvolutionAlgorithm.Direct, s_plain, new(100, 32, 32), new(100, 32, 32)),
        new("direct 3x3, stride 2", ConvolutionAlgorithm.Auto, s_strided, new(96, 16, 16), new(96, 8, 8)),
        new("direct 3x3, transposed", ConvolutionAlgorithm.Auto, s_transposed, new(96, 8, 8), new(96, 16, 16)),
        new("Winograd 3x3", ConvolutionAlgorithm.Auto, s_plain, new(96, 8, 8), new(96, 8, 8)),
        new("few inputs 3x3", ConvolutionAlgorithm.Auto, s_plain, new(3, 32, 32), new(100, 32, 32)),
        new("few outputs 3x3", ConvolutionAlgorithm.Auto, s_plain, new(200, 32, 32), new(3, 32, 32)),
    ];

    public static IEnumerable<KernelCase> All()
    {
        foreach (Size size in s_sizes)
        {
            yield return new KernelCase(
                $"{size}: forward", Work.Flops, size.Flops, kernels => PrepareForward(kernels, size));
            yield return new KernelCase(
                $"{size}: weight gradient", Work.Flops, size.Flops, kernels => PrepareWeights(kernels, size));
            yield return new KernelCase(
                $"{size}: weights in", Work.Bytes, size.WeightBytes, kernels => PreparePack(kernels, size));
            yield return new KernelCase(
                $"{size}: weight gradient out", Work.Bytes, size.WeightBytes, kernels => PrepareUnpack(kernels, size));
        }

        yield return new KernelCase(
            $"linear {DiscWidth} to {DiscWidth}, {DiscWidth} samples: forward",
            Work.Flops,
            2.0 * DiscWidth * DiscWidth * DiscWidth,
            PrepareLinear);
    }

    private static Action PrepareForward(KernelSet kernels, Size size)
    {
        (ConvolutionMethod method, Image input, Image output) = size.Create();
        WeightStrides strides = size.Strides;
        ConvolutionPass pass = method.CreatePass(size.Geometry, input.Node, output.Node, strides, images: 1);
        AlignedBuffer packed = new(pass.PackedFloats);
        pass.Pack(kernels, Image.Numbers(size.Weights).Span, packed.Span);
        AlignedBuffer scratch = new(pass.ScratchFloats);
        AlignedBuffer bias = Image.Numbers(output.Floats);
        return () => pass.Run(new ConvolutionCall
        {
            Kernels = kernels,
            Input = input.Pixels,
            Output = output.Pixels,
            Images = 1,
            Packed = packed.Pointer,
            Start = bias.Pointer,
            Scratch = scratch.Pointer,
            Activation = ActivationKind.None,
        });
    }

    private static Action PrepareWeights(KernelSet kernels, Size size)
    {
        (ConvolutionMethod method, Image input, Image output) = size.Create();
        WeightGradientPass pass = method.CreateWeightGradient(
            size.Geometry, input.Node, output.Node, size.Strides, images: 1);
        AlignedBuffer sums = new(pass.SumFloats);
        AlignedBuffer scratch = new(pass.ScratchFloats);
        AlignedBuffer biasSums = new(output.Floats);
        return () => pass.Accumulate(new WeightGradientCall
        {
            Kernels = kernels,
            Input = input.Pixels,
            Output = output.Pixels,
            OutputGradient = output.Pixels,
            Images = 1,
            Activation = ActivationKind.None,
            BiasSums = biasSums.Pointer,
            Sums = sums.Pointer,
            Scratch = scratch.Pointer,
        });
    }

    private static Action PreparePack(KernelSet kernels, Size size)
    {
        (ConvolutionMethod method, Image input, Image output) = size.Create();
        ConvolutionPass pass = method.CreatePass(size.Geometry, input.Node, output.Node, size.Strides, images: 1);
        AlignedBuffer weights = Image.Numbers(size.Weights);
        AlignedBuffer packed = new(pass.PackedFloats);
        return () => pass.Pack(kernels, weights.Span, packed.Span);
    }

    private static Action PrepareUnpack(KernelSet kernels, Size size)
    {
        (ConvolutionMethod method, Image input, Image output) = size.Create();
        WeightGradientPass pass = method.CreateWeightGradient(
            size.Geometry, input.Node, output.Node, size.Strides, images: 1);
        AlignedBuffer sums = Image.Numbers(pass.SumFloats);
        AlignedBuffer gradient = new(size.Weights);
        return () => pass.Unpack(kernels, sums.Pointer, gradient.Span, adds: false);
    }

    /// <summary>A layer of mlp-disc: samples are images of one pixel.</summary>
    private static Action PrepareLinear(KernelSet kernels)
    {
        ActivationNode node = ActivationNode.Create(new ImageShape(DiscWidth, 1, 1));
        ConvolutionProgram program = new(
            new ConvolutionGeometry(K: 1, Stride: 1, Padding: 0, Transposed: false),
            node,
            ActivationNode.CreateLike(node),
            new WeightStrides(0, Out: DiscWidth, In: 1));
        AlignedBuffer packed = new(program.PackedFloats);
        program.Pack(kernels, Image.Numbers(DiscWidth * DiscWidth).Span, packed.Span);
        AlignedBuffer input = Image.Numbers(DiscWidth * node.Floats);
        AlignedBuffer output = new(DiscWidth * node.Floats);
        AlignedBuffer bias = Image.Numbers(node.Floats);
        return () => program.RunImages(
            kernels, input.Pointer, output.Pointer, packed.Pointer, bias.Pointer, DiscWidth);
    }

    /// <summary>A convolution, and the method that computes it.</summary>
    private sealed record Size(
        string Kind, ConvolutionAlgorithm Algorithm, ConvolutionGeometry Geometry, ImageShape Input, ImageShape Output)
    {
        public int Weights => 9 * Input.C * Output.C;

        /// <summary>Those of the weights alone, whatever they become.</summary>
        public double WeightBytes => (double)sizeof(float) * Weights;

        public WeightStrides Strides => Geometry.Transposed ? new(0, 9, 9 * Output.C) : new(0, 9 * Input.C, 9);

        /// <summary>Every weight meets every output, of a transposed one every input.</summary>
        public double Flops => 2.0 * Weights * (Geometry.Transposed ? Input.H * Input.W : Output.H * Output.W);

        public (ConvolutionMethod Method, Image Input, Image Output) Create()
        {
            ConvolutionMethod method = ConvolutionMethod.Choose(Algorithm, Geometry, Input.C, Output.C);
            ActivationNode input = ActivationNode.Create(Input);
            ActivationNode output = ActivationNode.Create(Output);
            input.RequireBorder(method.InputBorder(Geometry, Input, Output));
            output.RequireBorder(method.OutputBorder(Geometry, Input, Output));
            return (method, new Image(input), new Image(output));
        }

        public override string ToString() => $"{Kind}, {Input.C} to {Output.C} at {Output.H}x{Output.W}";
    }
}
