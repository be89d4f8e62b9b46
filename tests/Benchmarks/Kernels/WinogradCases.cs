using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>The stages of Winograd's algorithm, each over a whole image or all weights of a layer.</summary>
internal static unsafe class WinogradCases
{
    private const int Group = ActivationNode.ChannelGroup;

    private static readonly (int Outputs, int Channels, int Side)[] s_sizes =
        [(4, 32, 32), (4, 48, 16), (4, 100, 32), (2, 100, 32)];

    public static IEnumerable<KernelCase> All() =>
        s_sizes.SelectMany(size => Stages(new Layer(size.Outputs, size.Channels, size.Side)));

    private static IEnumerable<KernelCase> Stages(Layer layer)
    {
        string name = $"Winograd F{layer.Outputs}, {layer.Channels} at {layer.Side}x{layer.Side}";
        yield return new KernelCase(
            $"{name}: input to planes", Work.Bytes, layer.TransformBytes, kernels => layer.Input(kernels));
        yield return new KernelCase(
            $"{name}: planes to output", Work.Bytes, layer.TransformBytes, kernels => layer.Output(kernels));
        yield return new KernelCase(
            $"{name}: output gradient to planes", Work.Bytes, layer.TransformBytes, kernels => layer.Gradient(kernels));
        yield return new KernelCase(
            $"{name}: weights to planes", Work.Bytes, layer.WeightBytes, kernels => layer.Weights(kernels));
        yield return new KernelCase(
            $"{name}: planes to weights", Work.Bytes, layer.WeightBytes, kernels => layer.WeightGradient(kernels));
        yield return new KernelCase(
            $"{name}: plane products", Work.Flops, layer.ProductFlops, kernels => layer.Products(kernels));
        yield return new KernelCase(
            $"{name}: plane weight gradients", Work.Flops, layer.ProductFlops, kernels => layer.Sums(kernels));
    }

    /// <summary>A 3 x 3 convolution with as many outputs as inputs.</summary>
    private sealed class Layer(int outputs, int channels, int side)
    {
        private readonly ConvolutionGeometry _geometry = new(K: 3, Stride: 1, Padding: 1, Transposed: false);
        private readonly int _tiles = ((side + outputs - 1) / outputs) * ((side + outputs - 1) / outputs);
        private readonly int _floats = (channels + Group - 1) / Group * Group;

        public int Outputs => outputs;

        public int Channels => channels;

        public int Side => side;

        public double TransformBytes =>
            (double)sizeof(float) * _floats * ((side * side) + ((double)_tiles * Planes));

        public double WeightBytes => (double)sizeof(float) * channels * _floats * (9 + Planes);

        public double ProductFlops => 2.0 * Planes * _tiles * channels * channels;

        private int Planes => (outputs + 2) * (outputs + 2);

        public Action Input(KernelSet kernels)
        {
            (WinogradLayout layout, Image image, AlignedBuffer scratch) = Create();
            return () =>
            {
                foreach (WinogradBand band in layout.Bands)
                {
                    layout.Kernels(kernels).TransformInput(layout.InputTiles(band, 0, image.Pixels, scratch.Pointer));
                }
            };
        }

        public Action Output(KernelSet kernels)
        {
            (WinogradLayout layout, Image image, AlignedBuffer scratch) = Create();
            AlignedBuffer bias = Image.Numbers(_floats);
            return () =>
            {
                foreach (WinogradBand band in layout.Bands)
                {
                    WinogradTiles tiles = layout.OutputTiles(band, 0, image.Pixels, scratch.Pointer) with
                    {
                        Height = Math.Min(band.Rows * outputs, side - (band.Row * outputs)),
                        Width = Math.Min(band.Columns * outputs, side - (band.Column * outputs)),
                        Start = bias.Pointer,
                    };
                    layout.Kernels(kernels).TransformOutput(tiles, rectify: true);
                }
            };
        }

        public Action Gradient(KernelSet kernels)
        {
            (WinogradLayout layout, Image image, AlignedBuffer scratch) = Create();
            return () =>
            {
                foreach (WinogradBand band in layout.Bands)
                {
                    layout.Kernels(kernels).TransformOutputGradient(
                        layout.OutputTiles(band, 0, image.Pixels, scratch.Pointer), ActivationKind.ReLU, toOutput: 0);
                }
            };
        }

        public Action Weights(KernelSet kernels)
        {
            (WinogradKernels winograd, AlignedBuffer weights, AlignedBuffer planes, int plane) = CreateWeights(kernels);
            return () =>
            {
                const int groups = WinogradKernels.WeightGroupsMax;
                int floats = channels * _floats;
                for (int i = 0; i < floats; i += groups * Group)
                {
                    int count = Math.Min(groups, (floats - i) / Group);
                    winograd.TransformWeights(weights.Pointer + (9 * i), count, planes.Pointer + i, plane);
                }
            };
        }

        public Action WeightGradient(KernelSet kernels)
        {
            (WinogradKernels winograd, AlignedBuffer weights, AlignedBuffer planes, int plane) = CreateWeights(kernels);
            return () =>
            {
                const int groups = WinogradKernels.WeightGroupsMax;
                int floats = channels * _floats;
                for (int i = 0; i < floats; i += groups * Group)
                {
                    int count = Math.Min(groups, (floats - i) / Group);
                    winograd.TransformWeightGradient(planes.Pointer + i, plane, count, weights.Pointer + (9 * i));
                }
            };
        }

        /// <summary>[tiles][inputs] by [inputs][outputs] in every plane, as WinogradProgram does it.</summary>
        public Action Products(KernelSet kernels)
        {
            (WinogradLayout layout, Image image, AlignedBuffer scratch) = Create();
            RunTable runs = new(image.Node.Channels);
            int weightPlane = WinogradLayout.PlaneFloats(runs.Depth, _floats);
            AlignedBuffer weights = Image.Numbers((long)Planes * weightPlane);
            AlignedBuffer zeros = new(_floats);
            return () =>
            {
                foreach (WinogradBand band in layout.Bands)
                {
                    for (int plane = 0; plane < Planes; plane++)
                    {
                        kernels.Convolve(new ConvolutionLine
                        {
                            Input = scratch.Pointer + ((nint)plane * layout.InputPlane),
                            InputPixel = _floats,
                            Runs = runs.Runs,
                            Blocks = runs.Blocks,
                            BlockCount = runs.BlockCount,
                            Depth = runs.Depth,
                            Weights = weights.Pointer + ((nint)plane * weightPlane),
                            Start = zeros.Pointer,
                            Output = layout.OutputPlanes(scratch.Pointer) + ((nint)plane * layout.OutputPlane),
                            OutputPixel = _floats,
                            Pixels = band.Tiles,
                            Channels = image.Node.VectorFloats,
                        });
                    }
                }

                GC.KeepAlive(runs);
            };
        }

        /// <summary>[inputs][tiles] by [tiles][outputs] in every plane, as WinogradWeightGradient does it.</summary>
        public Action Sums(KernelSet kernels)
        {
            (WinogradLayout layout, Image image, AlignedBuffer scratch) = Create();
            int sumPlane = WinogradLayout.PlaneFloats(channels, _floats);
            AlignedBuffer sums = new((long)Planes * sumPlane);
            TapOffsets[] taps = [new TapOffsets(0, 0)];
            return () =>
            {
                foreach (WinogradBand band in layout.Bands)
                {
                    for (int plane = 0; plane < Planes; plane++)
                    {
                        kernels.AccumulateWeightGradient(new WeightGradientImage
                        {
                            A = scratch.Pointer + ((nint)plane * layout.InputPlane),
                            APixel = _floats,
                            ALine = 0,
                            B = layout.OutputPlanes(scratch.Pointer) + ((nint)plane * layout.OutputPlane),
                            BPixel = _floats,
                            BLine = 0,
                            W = band.Tiles,
                            H = 1,
                            Taps = taps,
                            Channels = image.Node.Channels,
                            Columns = image.Node.VectorFloats,
                            Sums = sums.Pointer + ((nint)plane * sumPlane),
                        });
                    }
                }
            };
        }

        /// <summary>An image that may be input or output, and planes full of numbers.</summary>
        private (WinogradLayout Layout, Image Image, AlignedBuffer Scratch) Create()
        {
            ActivationNode node = ActivationNode.Create(new ImageShape(channels, side, side));
            WinogradLayout layout = new(outputs, _geometry, node, node, images: 1);
            node.RequireBorder(Math.Max(layout.Grid.InputBorder(side, side), layout.Grid.OutputBorder(side, side)));
            return (layout, new Image(node), Image.Numbers(layout.ScratchFloats));
        }

        private (WinogradKernels Kernels, AlignedBuffer Weights, AlignedBuffer Planes, int Plane) CreateWeights(
            KernelSet kernels)
        {
            int plane = WinogradLayout.PlaneFloats(channels, _floats);
            return (
                outputs == 4 ? kernels.Winograd4 : kernels.Winograd2,
                Image.Numbers(9L * channels * _floats),
                Image.Numbers((long)Planes * plane),
                plane);
        }
    }
}
