using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A 3 x 3 convolution of stride 1 by Winograd's algorithm, between two laid-out activations.</summary>
/// <remarks>
/// Band by band of tiles: the input's transform to (m + 2)^2 planes of [tiles][input channels], one matrix product a
/// plane with the transformed weights, and the transform back with bias and activation. What an output is summed from,
/// and in which order, depends on its place in its tile and on the channels alone.
/// </remarks>
internal sealed unsafe class WinogradProgram : ConvolutionPass
{
    /// <summary>Planes of a band should fit the second-level cache.</summary>
    private const int BandTiles = 64;

    private readonly int _outputs;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly WinogradGrid _grid;
    private readonly WinogradBand[] _bands;
    private readonly RunTable _runs;
    private readonly int[] _channelOf;

    public WinogradProgram(
        int outputs, ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        _outputs = outputs;
        _input = input;
        _output = output;
        _strides = strides;
        _grid = new WinogradGrid(outputs, geometry, output.Shape.H, output.Shape.W);
        _bands = _grid.Bands(BandTiles);
        _runs = new RunTable(input.Channels);
        _channelOf = output.ChannelOfFloat();
        int tiles = _bands.Max(band => band.Tiles);
        InputPlane = PlaneFloats(tiles, input);
        OutputPlane = PlaneFloats(tiles, output);
        ScratchFloats = checked(Planes * (InputPlane + OutputPlane));
    }

    /// <summary>Zeros for the products to start from, then [planes][output floats / 16][depth][16].</summary>
    public override int PackedFloats => checked(_output.Floats + (Planes * WeightPlane));

    public override int ScratchFloats { get; }

    private int Planes => (_outputs + 2) * (_outputs + 2);

    private int InputPlane { get; }

    private int OutputPlane { get; }

    private int WeightPlane => checked(_runs.Depth * _output.Floats);

    /// <summary>Floats from plane to plane.</summary>
    /// <remarks>
    /// A cache line more than the plane has, so that a tile's planes do not all fall in the same set of the cache.
    /// </remarks>
    public static int PlaneFloats(int tiles, ActivationNode node) =>
        checked((tiles * node.Floats) + ActivationNode.ChannelGroup);

    public override void Pack(KernelSet kernels, ReadOnlySpan<float> parameters, Span<float> packed)
    {
        const int group = ActivationNode.ChannelGroup;
        WinogradKernels winograd = Kernels(kernels);
        float* weights = stackalloc float[9 * group];
        packed[.._output.Floats].Clear();
        fixed (float* planes = packed[_output.Floats..])
        {
            float* target = planes;
            for (int first = 0; first < _output.Floats; first += group)
            {
                for (int i = 0; i < _runs.Depth; i++, target += group)
                {
                    for (int lane = 0; lane < group; lane++)
                    {
                        int channel = _channelOf[first + lane];
                        int source = _strides.Start + (i * _strides.In) + (channel * _strides.Out);
                        for (int tap = 0; tap < 9; tap++)
                        {
                            int place = _grid.IsTurned ? 8 - tap : tap;
                            weights[(place * group) + lane] = channel < 0 ? 0 : parameters[source + tap];
                        }
                    }

                    winograd.TransformWeights(weights, target, WeightPlane);
                }
            }
        }
    }

    public override void Run(in ConvolutionCall call)
    {
        foreach (WinogradBand band in _bands)
        {
            Run(call, band);
        }
    }

    private void Run(in ConvolutionCall call, in WinogradBand band)
    {
        WinogradKernels winograd = Kernels(call.Kernels);
        nint inY = ((nint)band.Row * _outputs) + _grid.Offset;
        nint inX = ((nint)band.Column * _outputs) + _grid.Offset;
        winograd.TransformInput(new WinogradTiles
        {
            Image = call.Input + (inY * _input.LineFloats) + (inX * _input.PixelFloats),
            Pixel = _input.PixelFloats,
            Line = _input.LineFloats,
            Rows = band.Rows,
            Columns = band.Columns,
            Planes = call.Scratch,
            Plane = InputPlane,
            Tile = _input.Floats,
            Channels = _input.Channels,
        });

        float* products = call.Scratch + ((nint)Planes * InputPlane);
        for (int plane = 0; plane < Planes; plane++)
        {
            Multiply(call, band.Tiles, plane, products + ((nint)plane * OutputPlane));
        }

        int outY = band.Row * _outputs;
        int outX = band.Column * _outputs;
        float* output = call.Output + ((nint)outY * _output.LineFloats) + ((nint)outX * _output.PixelFloats);
        int height = Math.Min(band.Rows * _outputs, _output.Shape.H - outY);
        int width = Math.Min(band.Columns * _outputs, _output.Shape.W - outX);
        winograd.TransformOutput(
            new WinogradTiles
            {
                Image = output,
                Pixel = _output.PixelFloats,
                Line = _output.LineFloats,
                Rows = band.Rows,
                Columns = band.Columns,
                Planes = products,
                Plane = OutputPlane,
                Tile = _output.Floats,
                Channels = _output.Channels,
                Height = height,
                Width = width,
                Start = call.Start,
            },
            rectify: call.Activation == ActivationKind.ReLU);
        if (call.Activation.Formula is ActivationFormula.None or ActivationFormula.ReLU)
        {
            return;
        }

        for (int y = 0; y < height; y++, output += _output.LineFloats)
        {
            nint pixel = _output.PixelFloats;
            call.Kernels.Activate(call.Activation, output, pixel, output, pixel, width, _output.Floats);
        }
    }

    /// <summary>One plane's matrix product: [tiles][input channels] by [input channels][output channels].</summary>
    private void Multiply(in ConvolutionCall call, int tiles, int plane, float* products)
    {
        float* weights = call.Packed + _output.Floats + ((nint)plane * WeightPlane);
        int lanes = call.Kernels.Lanes;
        foreach (Run run in _output.Channels)
        {
            call.Kernels.Convolve(new ConvolutionLine
            {
                Input = call.Scratch + ((nint)plane * InputPlane),
                InputPixel = _input.Floats,
                Runs = _runs.Runs,
                Blocks = _runs.Blocks,
                BlockCount = _runs.BlockCount,
                Depth = _runs.Depth,
                Weights = weights + ((nint)run.Offset * _runs.Depth),
                Start = call.Packed,
                Output = products + run.Offset,
                OutputPixel = _output.Floats,
                Pixels = tiles,
                Channels = (run.Count + lanes - 1) / lanes * lanes,
            });
        }
    }

    private WinogradKernels Kernels(KernelSet kernels) => _outputs == 4 ? kernels.Winograd4 : kernels.Winograd2;
}
