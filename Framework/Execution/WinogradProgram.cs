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
    private readonly int _outputs;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly WinogradLayout _layout;
    private readonly RunTable _runs;
    private readonly int[] _channelOf;

    public WinogradProgram(
        int outputs,
        ConvolutionGeometry geometry,
        ActivationNode input,
        ActivationNode output,
        WeightStrides strides,
        int images)
    {
        _outputs = outputs;
        _input = input;
        _output = output;
        _strides = strides;
        _layout = new WinogradLayout(outputs, geometry, input, output, images);
        _runs = new RunTable(input.Channels);
        _channelOf = output.ChannelOfFloat();
    }

    /// <summary>Zeros for the products to start from, then [planes][output floats / 16][depth][16].</summary>
    public override int PackedFloats => checked(_output.Floats + (_layout.Planes * WeightPlane));

    public override int ScratchFloats => _layout.ScratchFloats;

    /// <summary>Whether an image fills no band of tiles.</summary>
    public bool HasSmallImages => _layout.HasSmallImages;

    private int WeightPlane => WinogradLayout.PlaneFloats(_runs.Depth, _output.Floats);

    public override void Pack(KernelSet kernels, ReadOnlySpan<float> parameters, Span<float> packed)
    {
        const int group = ActivationNode.ChannelGroup;
        const int floats = KernelTaps.Count * group;
        WinogradKernels winograd = _layout.Kernels(kernels);
        KernelTaps taps = new(_strides, _layout.Grid.IsTurned);
        float* weights = stackalloc float[WinogradKernels.WeightGroupsMax * floats];
        packed[.._output.Floats].Clear();
        fixed (float* source = parameters[_strides.Start..])
        fixed (float* planes = packed[_output.Floats..])
        {
            float* target = planes;
            for (int first = 0; first < _output.Floats; first += group)
            {
                new Span<float>(weights, WinogradKernels.WeightGroupsMax * floats).Clear();
                float* channel = source + (_channelOf[first] * _strides.Out);
                int channels = _output.ChannelsOfGroup(first);
                for (int i = 0; i < _runs.Depth; i += WinogradKernels.WeightGroupsMax)
                {
                    int inputs = Math.Min(WinogradKernels.WeightGroupsMax, _runs.Depth - i);
                    taps.Gather(channel, inputs, channels, weights);
                    channel += (nint)inputs * _strides.In;
                    winograd.TransformWeights(weights, inputs, target, WeightPlane);
                    target += inputs * group;
                }
            }
        }
    }

    public override void Run(in ConvolutionCall call)
    {
        for (int first = 0; first < call.Images; first += _layout.ImagesOfBand)
        {
            int images = Math.Min(_layout.ImagesOfBand, call.Images - first);
            ConvolutionCall some = call.Only(first, _input, _output) with { Images = images };
            foreach (WinogradBand band in _layout.Bands)
            {
                Run(some, band);
            }
        }
    }

    /// <summary>A band of as many images as share it.</summary>
    private void Run(in ConvolutionCall call, in WinogradBand band)
    {
        WinogradKernels winograd = _layout.Kernels(call.Kernels);
        for (int image = 0; image < call.Images; image++)
        {
            float* input = call.Only(image, _input, _output).Input;
            winograd.TransformInput(_layout.InputTiles(band, image, input, call.Scratch));
        }

        float* products = _layout.OutputPlanes(call.Scratch);
        for (int plane = 0; plane < _layout.Planes; plane++)
        {
            Multiply(call, call.Images * band.Tiles, plane, products + ((nint)plane * _layout.OutputPlane));
        }

        for (int image = 0; image < call.Images; image++)
        {
            TransformOutput(winograd, call.Only(image, _input, _output), band, image);
        }
    }

    /// <summary>The way back of one image's tiles.</summary>
    private void TransformOutput(WinogradKernels winograd, in ConvolutionCall call, in WinogradBand band, int image)
    {
        int y = band.Row * _outputs;
        int x = band.Column * _outputs;
        int height = Math.Min(band.Rows * _outputs, _output.Shape.H - y);
        int width = Math.Min(band.Columns * _outputs, _output.Shape.W - x);
        WinogradTiles tiles = _layout.OutputTiles(band, image, call.Output, call.Scratch) with
        {
            Height = height,
            Width = width,
            Start = call.Start,
        };
        winograd.TransformOutput(tiles, rectify: call.Activation == ActivationKind.ReLU);
        call.AddAddend(_output, y, x, height, width);
        if (call.Activation.Formula is ActivationFormula.None or ActivationFormula.ReLU)
        {
            return;
        }

        float* output = tiles.Image;
        for (int line = 0; line < height; line++, output += _output.LineFloats)
        {
            nint pixel = _output.PixelFloats;
            call.Kernels.Activate(call.Activation, output, pixel, output, pixel, width, _output.Floats);
        }
    }

    /// <summary>One plane's matrix product: [tiles][input channels] by [input channels][output channels].</summary>
    private void Multiply(in ConvolutionCall call, int tiles, int plane, float* products)
    {
        float* weights = call.Packed + _output.Floats + ((nint)plane * WeightPlane);
        foreach (Run run in _output.Channels)
        {
            call.Kernels.Convolve(new ConvolutionLine
            {
                Input = call.Scratch + ((nint)plane * _layout.InputPlane),
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
                Channels = ActivationNode.WholeVectors(run.Count),
                Prefetches = call.HasFarWeights || PackedFloats >= CacheLine.FarFloats,
            });
        }
    }
}
