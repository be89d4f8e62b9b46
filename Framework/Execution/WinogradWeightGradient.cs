using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a 3 x 3 convolution of stride 1 by Winograd's algorithm.</summary>
/// <remarks>
/// Tile by tile dU += (B^T d B) (A e A^T)^T in each plane, for inputs d and output gradients e; then dW = G^T dU G,
/// once a shard or once an image. The activation's backward step is taken on the way; the plane of point (1, 1) holds
/// the sums of e, which the bias' gradient is added up from. Each band of tiles is summed from zero and then added: the
/// order depends on the image's size alone.
/// </remarks>
internal sealed unsafe class WinogradWeightGradient : WeightGradientPass
{
    private const int Group = ActivationNode.ChannelGroup;

    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly WinogradLayout _layout;
    private readonly int[] _channelOf;
    private readonly TapOffsets[] _taps = [new TapOffsets(0, 0)];

    public WinogradWeightGradient(
        int outputs, ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
        : base(output)
    {
        _input = input;
        _output = output;
        _strides = strides;
        _layout = new WinogradLayout(outputs, geometry, input, output);
        _channelOf = output.ChannelOfFloat();
        SumFloats = checked(_layout.Planes * SumPlane);
    }

    /// <summary>[planes][output floats / 16][input channels][16].</summary>
    public override int SumFloats { get; }

    public override int ScratchFloats => _layout.ScratchFloats;

    private int SumPlane => WinogradLayout.PlaneFloats(_input.Shape.C, _output.Floats);

    public override void Accumulate(in WeightGradientCall call)
    {
        WinogradKernels winograd = _layout.Kernels(call.Kernels);
        float* gradients = _layout.OutputPlanes(call.Scratch);
        foreach (WinogradBand band in _layout.Bands)
        {
            winograd.TransformInput(_layout.InputTiles(band, call.Input, call.Scratch));
            WinogradTiles tiles = _layout.OutputTiles(band, call.OutputGradient, call.Scratch);
            winograd.TransformOutputGradient(tiles, call.Activation, (nint)(call.Output - call.OutputGradient));
            if (call.BiasSums != null)
            {
                float* sums = gradients + (winograd.PlaneOfSums * (nint)_layout.OutputPlane);
                call.Kernels.AddPixels(sums, _output.Floats, band.Tiles, _output.Floats, call.BiasSums);
            }

            for (int plane = 0; plane < _layout.Planes; plane++)
            {
                AccumulatePlane(
                    call.Kernels,
                    call.Scratch + ((nint)plane * _layout.InputPlane),
                    gradients + ((nint)plane * _layout.OutputPlane),
                    band.Tiles,
                    call.Sums + ((nint)plane * SumPlane));
            }
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient)
    {
        WinogradKernels winograd = _layout.Kernels(kernels);
        const int floats = KernelTaps.Count * Group;
        float* weights = stackalloc float[WinogradKernels.WeightGroupsMax * floats];
        fixed (float* target = gradient[_strides.Start..])
        {
            for (int first = 0; first < _output.Floats; first += Group)
            {
                float* channel = target + (_channelOf[first] * _strides.Out);
                int channels = _output.ChannelsOfGroup(first);
                for (int i = 0; i < _input.Shape.C; i += WinogradKernels.WeightGroupsMax)
                {
                    int inputs = Math.Min(WinogradKernels.WeightGroupsMax, _input.Shape.C - i);
                    winograd.TransformWeightGradient(sums, SumPlane, inputs, weights);
                    sums += inputs * Group;
                    for (int j = 0; j < inputs; j++, channel += _strides.In)
                    {
                        KernelTaps.Scatter(
                            weights + (j * floats), channel, _strides.Out, channels, _layout.Grid.IsTurned);
                    }
                }
            }
        }
    }

    private void AccumulatePlane(KernelSet kernels, float* inputs, float* gradients, int tiles, float* sums)
    {
        kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = inputs,
            APixel = _input.Floats,
            ALine = 0,
            B = gradients,
            BPixel = _output.Floats,
            BLine = 0,
            W = tiles,
            H = 1,
            Taps = _taps,
            Channels = _input.Channels,
            Columns = _output.VectorFloats,
            Prefetches = SumFloats >= CacheLine.FarFloats,
            Sums = sums,
        });
    }
}
